/**
 * What is said once at the start, because it is allowed and may be a mistake: variables that are no settings, and
 * addresses that others can reach.
 */
import { BlockList, isIPv6 } from 'node:net';
import { unknownVariables } from '../config/sources.ts';
import type { Log } from '../log.ts';

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

/** `address` and `http` are where the server really listens; `http` may be missing. */
export function warnIfExposed(log: Log, address: string, http: string | undefined): void {
  if (!isLoopback(address))
    log.warn(
      'exposed',
      { flag: '--host', address },
      `${address}: whoever reaches the server may buy and sell for anyone; it asks nobody who they are, and encrypts nothing`,
    );
  if (http !== undefined && !isLoopback(http))
    log.warn(
      'exposed',
      { flag: '--http-host', address: http },
      `${http}: whoever reaches the live page and the metrics may read them`,
    );
}
