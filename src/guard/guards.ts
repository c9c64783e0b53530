/**
 * The doorkeeper: who may connect, who may do what, and how much. Loaded only where one of these is asked for; without it
 * a session has no guard, and asks nobody.
 */
import type { Settings } from '../config/settings.ts';
import type { UserLimits } from '../engine/user-limits.ts';
import type { Log } from '../log.ts';
import type { Transport } from '../net/transport.ts';
import type { Access } from '../security/access.ts';
import type { Authority } from '../security/authority.ts';
import { Audit } from './audit.ts';
import { type Bucket, Buckets, type Shared } from './buckets.ts';
import { type Administering, type Doorkeeper, Guard } from './guard.ts';
import { networkOf } from './network.ts';

const UNLIMITED = Number.POSITIVE_INFINITY;

export type GuardSettings = Pick<
  Settings,
  'rateConnection' | 'rateAddress' | 'rateToken' | 'rateUser' | 'rateBurstMs' | 'addressConnectionsMax'
>;

export class Guards implements Doorkeeper {
  readonly audit: Audit;
  administering: Administering | undefined;
  /** By their numbers, which grow. */
  readonly clients = new Map<number, Guard>();
  /** Of this turn, if it was asked for. */
  #timeMs: number | undefined;
  readonly #settings: GuardSettings;
  readonly #authority: Authority | undefined;
  readonly #users: UserLimits | undefined;
  readonly #addresses = new Buckets();
  readonly #tokens = new Buckets();
  #lastClient = 0;

  /** Without an authority, nobody is asked who they are. The settings may change. */
  constructor(settings: GuardSettings, log: Log, users?: UserLimits, authority?: Authority) {
    this.#settings = settings;
    this.#users = users;
    this.#authority = authority;
    this.audit = new Audit(log);
  }

  get asksWho(): boolean {
    return this.#authority !== undefined;
  }

  get limitsEvents(): boolean {
    const { rateConnection, rateAddress, rateToken } = this.#settings;
    return rateConnection > 0 || rateAddress > 0 || rateToken > 0;
  }

  /** A guard for a new client; undefined if its address has too many connections. */
  welcome(transport: Transport): Guard | undefined {
    const { addressConnectionsMax } = this.#settings;
    const network = networkOf(transport.address);
    // A Unix socket has no address.
    if (network === '') return this.#add(transport, undefined);
    const { clients = 0 } = this.#addresses.get(network) ?? {};
    if (addressConnectionsMax > 0 && clients >= addressConnectionsMax) return undefined;
    return this.#add(transport, this.#addresses.join(network));
  }

  #add(transport: Transport, ofAddress: Shared | undefined): Guard {
    const guard = new Guard(this, ++this.#lastClient, transport, ofAddress);
    this.clients.set(guard.client, guard);
    return guard;
  }

  left(client: number, ofAddress: Shared | undefined, ofToken: Shared | undefined): void {
    this.clients.delete(client);
    const { rateAddress, rateToken } = this.#settings;
    const nowMs = now();
    if (ofAddress !== undefined) this.#addresses.leave(ofAddress, rateAddress, nowMs);
    if (ofToken !== undefined) this.#tokens.leave(ofToken, rateToken, nowMs);
  }

  /** Ends all whose token, certificate or right holds no longer. */
  review(nowMs: number): void {
    for (const guard of this.clients.values()) guard.review(nowMs);
  }

  joinToken(name: string, before: Shared | undefined): Shared {
    const shared = this.#tokens.join(name);
    if (before !== undefined) this.#tokens.leave(before, this.#settings.rateToken, now());
    return shared;
  }

  permits(own: Bucket, ofAddress: Shared | undefined, ofToken: Shared | undefined): number {
    const { rateConnection, rateAddress, rateToken, rateUser, rateBurstMs } = this.#settings;
    if (rateConnection + rateAddress + rateToken + rateUser === 0) return UNLIMITED;
    const nowMs = this.#turnMs();
    this.#users?.setTime(nowMs);
    let permits = UNLIMITED;
    if (rateConnection > 0) permits = own.permits(rateConnection, rateBurstMs, nowMs);
    if (rateAddress > 0 && ofAddress !== undefined)
      permits = Math.min(permits, ofAddress.permits(rateAddress, rateBurstMs, nowMs));
    if (rateToken > 0 && ofToken !== undefined)
      permits = Math.min(permits, ofToken.permits(rateToken, rateBurstMs, nowMs));
    return permits;
  }

  /** The time is asked for once in a turn of the event loop: that costs as much as some events. */
  #turnMs(): number {
    if (this.#timeMs === undefined) {
      this.#timeMs = now();
      setImmediate(() => {
        this.#timeMs = undefined;
      });
    }
    return this.#timeMs;
  }

  whoHas(token: string, onRefused: (reason: string) => void) {
    return this.#authority!.check(token, onRefused);
  }

  whoIs(certificate: readonly string[], onRefused: (reason: string) => void): Access | undefined {
    return this.#authority!.ofCertificates(certificate, onRefused);
  }

  stillHolds(access: Access, nowMs: number): Access | undefined {
    return this.#authority!.stillHolds(access, nowMs);
  }
}

/** Whole milliseconds since the process started. */
function now(): number {
  return Math.floor(performance.now());
}
