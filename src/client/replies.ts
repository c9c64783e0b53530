/** What the server answers (docs/protocol.md), as types, and which line can be the reply to what. */
/** The event was applied. */
export type Accepted = { status: 'accepted' };
/** An integer: of the user, after the event if there was one; of a transfer, of `from`. */
export type Balance = { status: 'ok'; balance: number };
/** The event was not applied, and will not be. */
export type Rejected = { status: 'rejected'; reason: Verdict | Refusal };
/** Who asks again with the same id hears the same again. */
export type Verdict = 'insufficient_balance' | 'balance_overflow' | 'id_reused';
/** Leaves no trace: the event may be asked for again, with the same id. */
export type Refusal = 'server_busy' | 'shutting_down' | 'rate_limited' | 'too_many_users' | 'disk_full';
/** The server takes the request for a wrong one, or does not know who asks, or does not let them. */
export type Wrong = 'invalid_event' | 'unknown_type' | 'line_too_long' | 'unauthorized' | 'forbidden';
export type Health = 'ok' | 'draining' | 'degraded';
/** Events since the start of the server; in detail, whatever else it counts. */
export type Metrics = { received: number; processed: number; dropped: number; [more: string]: unknown };
export type Fields = Readonly<Record<string, unknown>>;

/** Why there is no other reply. The cause is what went wrong last. */
export class TallyError extends Error {
  override readonly name = 'TallyError';
  /** The first two are said at a deadline, the others by the server. */
  readonly reason: 'outcome_unknown' | 'not_done' | Wrong;
  /** To ask again with. Undefined for a request that only reads. */
  readonly id: string | undefined;
  constructor({ reason }: Fields, { id }: Fields, cause: Error | undefined) {
    super(id === undefined ? `${reason}` : `${reason}: ${id}`, { cause });
    this.reason = reason as TallyError['reason'];
    this.id = id as string | undefined;
  }
}

/** Neither a full table nor a full disk is mended by asking: the caller hears of those at once. */
export const PASSING: unknown[] = ['server_busy', 'shutting_down', 'rate_limited'];
export const REFUSALS: unknown[] = [...PASSING, 'too_many_users', 'disk_full', 'unauthorized', 'forbidden'];
export const isBalance = ({ status, balance }: Fields) => status === 'ok' && Number.isSafeInteger(balance);
export const isHealth = ({ status, balance }: Fields) =>
  /^(ok|draining|degraded)$/.test(`${status}`) && balance === undefined;
export const isMetrics = ({ received }: Fields) => Number.isSafeInteger(received);
/** A connection too many is rejected as well, but that is said of no request. */
export const isDecision = (reply: Fields) =>
  isBalance(reply) ||
  (/^(accept|reject)ed$/.test(`${reply.status}`) && reply.reason !== 'too_many_connections');
/** `invalid_json` is none: what is sent is JSON, so that line was broken on its way. */
export const isError = ({ status, reason }: Fields) => status === 'error' && reason !== 'invalid_json';
