/**
 * Where the server listens: `--host` and `--port`, or what systemd hands over instead; `--listen` and `--socket` besides.
 */
import { ConfigError } from './config-error.ts';
import type { Settings } from './settings.ts';

/** An address, as net/listener.ts takes it. */
export type ListenAddress = (
  | { is: 'tcp'; host: string; port: number }
  | { is: 'unix'; path: string; mode: number }
  | { is: 'descriptor'; fd: number }
) & { isTls: boolean; isProxied: boolean };

type AddressSettings = Pick<
  Settings,
  'host' | 'port' | 'listen' | 'socket' | 'socketMode' | 'tlsCert' | 'proxyProtocol'
>;

/** The first descriptor that systemd hands over (sd_listen_fds(3)). */
const FIRST_DESCRIPTOR = 3;
const FORM = /^(tcp|tls)(\+proxy)?:\/\/(\[[0-9a-fA-F:.%\w]+\]|[^:[\]/]+):(\d{1,5})$/;
const PORT_MAX = 65_535;

/** All of them, the first of `--host` and `--port` or of systemd. Throws a `ConfigError`. */
export function addressesOf(settings: AddressSettings, env: NodeJS.ProcessEnv): ListenAddress[] {
  const { host, port, socket, socketMode, proxyProtocol: isProxied } = settings;
  const isTls = settings.tlsCert !== '';
  const handed = descriptors(env).map(fd => ({ is: 'descriptor', fd, isTls, isProxied }) as const);
  const own: ListenAddress[] = handed.length > 0 ? handed : [{ is: 'tcp', host, port, isTls, isProxied }];
  const others =
    settings.listen === '' ? [] : settings.listen.split(',').map(text => parsed(text.trim(), isTls));
  if (!/^[0-7]{3}$/.test(socketMode))
    throw new ConfigError(
      `--socket-mode ${socketMode} is no mode of a file: three digits from 0 to 7, as in 660`,
    );
  const mode = Number.parseInt(socketMode, 8);
  // Who may connect to it is a matter of its mode; nothing can be read on the way.
  const local: ListenAddress[] =
    socket === '' ? [] : [{ is: 'unix', path: socket, mode, isTls: false, isProxied: false }];
  return [...own, ...others, ...local];
}

function parsed(text: string, hasCertificate: boolean): ListenAddress {
  const [, kind, proxy, host = '', digits] = FORM.exec(text) ?? [];
  const port = Number(digits);
  if (kind === undefined || port > PORT_MAX)
    throw new ConfigError(
      `--listen ${text} is no address; one is tcp://HOST:PORT or tls://HOST:PORT, with +proxy behind tcp or tls if a balancer ` +
        'says whose the connections are; more than one with commas between them',
    );
  if (kind === 'tls' && !hasCertificate)
    throw new ConfigError(`--listen ${text} needs a certificate: --tls-cert FILE --tls-key FILE`);
  const isTls = kind === 'tls';
  return { is: 'tcp', host: host.replace(/^\[(.*)\]$/, '$1'), port, isTls, isProxied: proxy !== undefined };
}

function descriptors({ LISTEN_PID, LISTEN_FDS }: NodeJS.ProcessEnv): number[] {
  const count = Number(LISTEN_FDS ?? 0);
  if (LISTEN_PID !== String(process.pid) || !Number.isInteger(count)) return [];
  return Array.from({ length: count }, (_, at) => FIRST_DESCRIPTOR + at);
}
