/** Addresses of servers, as people write them: one reader and one writer for all commands. */
import { isIPv6 } from 'node:net';
import { quoteIfNeeded } from './quoting.ts';
import { UsageError } from './usage.ts';

export interface Address {
  host: string;
  port: number;
}

const STANDARD: Address = { host: '127.0.0.1', port: 7878 };

/** A name, an IPv4 address, or an IPv6 address with or without brackets. `flag` is for the message, with a blank. */
export function readHost(text: string, flag = ''): string {
  const host = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  const isRight = host.includes(':') ? isIPv6(host) : host === text && /^[\p{L}\p{N}._-]+$/u.test(host);
  if (!isRight)
    throw new UsageError(
      `${flag}${quoteIfNeeded(text)} is not a host, such as ${STANDARD.host}, localhost or [::1]`,
    );
  return host;
}

/** `host:port`, `:port` or `port`; an IPv6 address in brackets. */
export function readAddress(text: string, flag = ''): Address {
  const [, before = '', digits] = /^(?:(.*):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  // Without brackets, the port might be a part of the address.
  const isAmbiguous = before.includes(':') && !before.startsWith('[');
  if (!(port >= 1 && port <= 65_535) || isAmbiguous)
    throw new UsageError(
      `${flag}${quoteIfNeeded(text)} is not HOST:PORT, such as ${addressText(STANDARD)}, :${STANDARD.port} or ` +
        `[::1]:${STANDARD.port}`,
    );
  return { host: before === '' ? STANDARD.host : readHost(before, flag), port };
}

export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
