/**
 * What is said once at the start, because it is allowed and may be a mistake: variables that are no settings, and
 * addresses that others can reach.
 */
import { BlockList, isIPv6 } from 'node:net';
import type { ListenAddress } from '../config/addresses.ts';
import type { Settings } from '../config/settings.ts';
import { unknownVariables } from '../config/sources.ts';
import type { Log } from '../log.ts';
import type { ListensAt } from '../net/listener.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can reach an address. */
export function isLoopback(address: string): boolean {
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

export function warnOfVariables(log: Log, env: NodeJS.ProcessEnv): void {
  for (const { variable, nearest } of unknownVariables(env)) {
    const instead = nearest === undefined ? '' : ` (${nearest}?)`;
    log.warn('unknown_variable', { variable, nearest }, `${variable} is no setting${instead}; it is ignored`);
  }
}

const LACKS = {
  '--tokens': 'it asks nobody who they are (--tokens)',
  '--http-open': 'it asks nobody who they are (--http-open)',
  '--tls-cert': 'it encrypts nothing (--tls-cert)',
};
type Lack = keyof typeof LACKS;

type ExposureSettings = Pick<
  Settings,
  'exposed' | 'tokens' | 'jwtKeys' | 'tlsCert' | 'tlsClientCa' | 'httpOpen'
>;

/** `at` is where the server really listens; `http` may be missing. */
export function warnIfExposed(
  log: Log,
  settings: ExposureSettings,
  addresses: readonly ListenAddress[],
  at: readonly ListensAt[],
  http: string | undefined,
): void {
  if (settings.exposed) return;
  const asksWho = settings.tokens !== '' || settings.jwtKeys !== '';
  for (const [index, { is, isTls }] of addresses.entries()) {
    const { address } = at[index]!;
    if (is === 'unix' || isLoopback(address)) continue;
    const lacks: Lack[] = [];
    if (!asksWho && !(isTls && settings.tlsClientCa !== '')) lacks.push('--tokens');
    if (!isTls) lacks.push('--tls-cert');
    if (lacks.length === 0) continue;
    const risk = asksWho
      ? 'whoever is on the way can read tokens and events'
      : 'whoever reaches the server may buy and sell for anyone';
    const text = `${address}: ${risk}; ${lacks.map(flag => LACKS[flag]).join(', and ')}. --exposed says that this is meant`;
    const flag = is === 'descriptor' ? 'LISTEN_FDS' : index === 0 ? '--host' : '--listen';
    log.warn('exposed', { flag, address, lacks }, text);
  }
  if (http === undefined || isLoopback(http)) return;
  const risk = riskOfHttp(settings, asksWho);
  if (risk !== undefined)
    log.warn(
      'exposed',
      { flag: '--http-host', address: http, lacks: [risk.lacks] },
      `${http}: ${risk.text}; ${LACKS[risk.lacks]}. --exposed says that this is meant`,
    );
}

/** Undefined: none. */
function riskOfHttp(
  { httpOpen, tlsCert, tlsClientCa }: ExposureSettings,
  asksWho: boolean,
): { text: string; lacks: Lack } | undefined {
  const isOpen = asksWho ? httpOpen === 'all' : tlsClientCa === '';
  if (isOpen)
    return {
      text: 'whoever reaches the live page and the metrics may read them',
      lacks: asksWho ? '--http-open' : '--tokens',
    };
  return tlsCert === ''
    ? { text: 'whoever is on the way can read tokens and metrics', lacks: '--tls-cert' }
    : undefined;
}
