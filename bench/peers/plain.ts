/**
 * The server that most people would write in Node: text, `split`, `JSON.parse`, a `Map`, one write a chunk. Tally's
 * design is compared with it, so it does the same work and answers all that the contract shows. It omits the
 * difficult parts: broken UTF-8 is replaced instead of refused, a repeated field is not detected, lines and unread
 * replies have no limit, and there is no graceful shutdown.
 *
 * A process of its own: prints its port.
 */
import { type AddressInfo, createServer } from 'node:net';

const NAME_BYTES_MAX = 128;
/** The most bytes of UTF-8 for a UTF-16 unit: short names need not be measured. */
const UNIT_BYTES_MAX = 3;

const ACCEPTED = '{"status":"accepted"}\n';
const HEALTHY = '{"status":"ok"}\n';
const OVERFLOW = '{"status":"rejected","reason":"balance_overflow"}\n';
const INVALID_JSON = '{"status":"error","reason":"invalid_json"}\n';
const INVALID_EVENT = '{"status":"error","reason":"invalid_event"}\n';
const UNKNOWN_TYPE = '{"status":"error","reason":"unknown_type"}\n';

const balances = new Map<string, number>();
let received = 0;
let processed = 0;

const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
  let partial = '';
  socket.setEncoding('utf8');
  socket.on('data', text => {
    const lines = (partial + text).split('\n');
    partial = lines.pop()!;
    let replies = '';
    for (const line of lines) replies += replyTo(line);
    if (replies !== '') socket.write(replies);
  });
  socket.on('end', () => socket.end(partial === '' ? '' : replyTo(partial)));
  socket.on('error', () => socket.destroy());
});

server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

function replyTo(line: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return INVALID_JSON;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return INVALID_EVENT;
  const fields = value as Record<string, unknown>;
  return fields.type === undefined ? apply(fields) : answer(fields);
}

function apply({ user, action, amount, wait }: Record<string, unknown>): string {
  if (!isName(user) || (action !== 'buy' && action !== 'sell')) return INVALID_EVENT;
  if (!Number.isSafeInteger(amount) || (amount as number) < 1) return INVALID_EVENT;
  if (wait !== undefined && typeof wait !== 'boolean') return INVALID_EVENT;
  received += 1;
  const change = action === 'buy' ? (amount as number) : -(amount as number);
  const balance = (balances.get(user) ?? 0) + change;
  if (!Number.isSafeInteger(balance)) return wait ? OVERFLOW : ACCEPTED;
  balances.set(user, balance);
  processed += 1;
  return wait ? `{"status":"ok","balance":${balance}}\n` : ACCEPTED;
}

function answer({ type, user }: Record<string, unknown>): string {
  switch (type) {
    case 'balance':
      return isName(user) ? `{"status":"ok","balance":${balances.get(user) ?? 0}}\n` : INVALID_EVENT;
    case 'metrics':
      return `{"received":${received},"processed":${processed},"dropped":${received - processed}}\n`;
    case 'health':
      return HEALTHY;
    default:
      return typeof type === 'string' ? UNKNOWN_TYPE : INVALID_EVENT;
  }
}

function isName(user: unknown): user is string {
  if (typeof user !== 'string' || user === '') return false;
  return user.length * UNIT_BYTES_MAX <= NAME_BYTES_MAX || Buffer.byteLength(user) <= NAME_BYTES_MAX;
}
