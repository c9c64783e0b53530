/** The server for programs: `import { connect } from 'tally/client'`. How it behaves is in docs/client.md. */
import { randomBytes } from 'node:crypto';
import { DEFAULTS, Pipeline } from './pipeline.ts';
import * as replies from './replies.ts';

export type * from './replies.ts';
export { TallyError } from './replies.ts';
export type ConnectOptions = Partial<typeof DEFAULTS>;
export type TransferReply = replies.Balance | replies.Rejected;
export type EventReply = replies.Accepted | TransferReply;
export type Tally = Awaited<ReturnType<typeof connect>>;

export interface EventOptions {
  /** 1 to 64 bytes of UTF-8; else one is made. */
  id?: string | undefined;
  /** It is done only if the balance of who pays is at least that afterwards. An integer. */
  min?: number | undefined;
  /** The reply is the balance, as with `min`. */
  wait?: boolean | undefined;
  /** From the call to the end of all tries, instead of the client's. */
  deadlineMs?: number | undefined;
}
type AskOptions = Pick<EventOptions, 'deadlineMs'>;
const text = (bytesMax: number) => (value: unknown) =>
  typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= bytesMax && !/\p{Cs}/u.test(value);
const integer = (least: number, most: number) => (value: unknown) =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
const RULES: Record<string, (value: unknown) => boolean> = {
  ...{ user: text(128), from: text(128), to: text(128), id: text(64) },
  ...{ amount: integer(1, Number.MAX_SAFE_INTEGER), min: Number.isSafeInteger },
  // A server remembers ids for 10 minutes. What it is sent again after that may be done twice.
  ...{ deadlineMs: integer(1, 599_999), silenceMs: integer(1, 2 ** 31 - 1), requestsMax: integer(1, 65_536) },
};
function check(values: replies.Fields): void {
  for (const name in values)
    if (values[name] !== undefined && RULES[name]?.(values[name]) === false)
      throw new RangeError(`${name} is out of its range: ${values[name]}`);
}

/**
 * Resolves when the server has answered. Users have 1 to 128 bytes of UTF-8, amounts are integers from 1 to 2^53 − 1:
 * else a method rejects with a `RangeError`, and sends nothing. Without a reply it rejects with a `TallyError`.
 */
export async function connect(options: ConnectOptions = {}) {
  check(options);
  const pipeline = new Pipeline({ ...DEFAULTS, ...options });
  const { deadlineMs: usual, token } = pipeline.options;
  // 60 random bits, and behind them a count: ids are short, 16 bytes at most.
  const prefix = randomBytes(8).toString('base64url').slice(0, 10);
  let ids = 0;
  async function ask<R>(fields: replies.Fields, fits: typeof replies.isBalance, deadlineMs = usual) {
    check({ ...fields, deadlineMs });
    const reply = await pipeline.ask(`${JSON.stringify(fields)}\n`, fits, deadlineMs);
    if (reply.status === 'error') throw new replies.TallyError(reply, fields, pipeline.lastError);
    return reply as R;
  }
  const newId = () => prefix + (ids++).toString(36);
  const decide = <R>(fields: replies.Fields, { id = newId(), wait, min, deadlineMs }: EventOptions = {}) =>
    ask<R>({ ...fields, id, wait, min }, replies.isDecision, deadlineMs);
  const event = (action: string) => (user: string, amount: number, options?: EventOptions) =>
    decide<EventReply>({ user, action, amount }, options);
  const tally = {
    /** Adds to the balance; `sell` subtracts. */
    buy: event('buy'),
    sell: event('sell'),
    /** All of it or nothing, from one user to another. */
    transfer: (from: string, to: string, amount: number, options?: Omit<EventOptions, 'wait'>) =>
      decide<TransferReply>({ type: 'transfer', from, to, amount }, options),
    /** 0 if there is no such user. */
    balance: async (user: string, { deadlineMs }: AskOptions = {}) =>
      (await ask<replies.Balance>({ type: 'balance', user }, replies.isBalance, deadlineMs)).balance,
    health: async ({ deadlineMs }: AskOptions = {}) =>
      (await ask<{ status: replies.Health }>({ type: 'health' }, replies.isHealth, deadlineMs)).status,
    metrics: ({ detail, deadlineMs }: AskOptions & { detail?: boolean } = {}) =>
      ask<replies.Metrics>({ type: 'metrics', detail }, replies.isMetrics, deadlineMs),
    /** Takes no more requests, and waits for those under way. */
    close: () => pipeline.close(),
    [Symbol.asyncDispose]: () => pipeline.close(),
  };
  const first = token === undefined ? tally.health() : ask({ type: 'auth', token }, replies.isHealth);
  await first.catch(async error => {
    await tally.close();
    throw error;
  });
  return tally;
}
