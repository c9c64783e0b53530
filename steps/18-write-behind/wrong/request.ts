/** What a client may send, and what it gets: lines of JSON, judged by the contract. */

/** What stands in a line. A name that stands twice is null. */
export type Fields = Readonly<Record<string, unknown>>;
/** `amount` is below 0 for a sale. What a lesson adds to an event is among its `fields`. */
export type Event = { type: 'event'; user: string; amount: number; wait: boolean; fields: Fields };
/** `other` has a type that the contract does not name; a lesson may. */
export type Request =
  | { type: 'health' }
  | { type: 'balance'; user: string; fields: Fields }
  | { type: 'other'; name: string; fields: Fields }
  | Event;

const LINE_BYTES_MAX = 16_384;
const USER_BYTES_MAX = 128;
/** Throws at bytes that are no UTF-8, where the usual decoder would make one user of two. */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const reply = (status: string, more = {}) => `${JSON.stringify({ status, ...more })}\n`;
export const rejected = (reason: string) => reply('rejected', { reason });
export const error = (reason: string) => reply('error', { reason });

/** The request in a line, or the reply that says what is wrong with it. */
export function parse(line: Buffer): Request | string {
  if (line.length > LINE_BYTES_MAX) return error('line_too_long');
  try {
    const fields = fieldsOf(strict.decode(line));
    const { type, user, action, amount, wait = false } = fields;
    if (type === 'health') return { type };
    if (type === 'balance') return isUser(user) ? { type, user, fields } : error('invalid_event');
    if (typeof type === 'string') return { type: 'other', name: type, fields };
    const isEvent = type === undefined && isUser(user) && isAmount(amount) && typeof wait === 'boolean';
    if (isEvent && action === 'buy') return { type: 'event', user, amount, wait, fields };
    if (isEvent && action === 'sell') return { type: 'event', user, amount: -amount, wait, fields };
    return error('invalid_event');
  } catch {
    return error('invalid_json');
  }
}

/** JSON that is no object has none. One that comes twice is null: `JSON.parse` alone would take the last. */
function fieldsOf(json: string): Fields {
  const fields = { ...JSON.parse(json) };
  const names = new Set<string>();
  let depth = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[[\]{}]/g)) {
    if ('[{'.includes(token)) depth += 1;
    else if (']}'.includes(token)) depth -= 1;
    if (depth !== 1 || !token.endsWith(':')) continue;
    const name = JSON.parse(token.slice(0, -1));
    if (names.has(name)) fields[name] = null;
    names.add(name);
  }
  return fields;
}

export function isUser(user: unknown): user is string {
  if (typeof user !== 'string' || /\p{Surrogate}/u.test(user)) return false;
  return user !== '' && Buffer.byteLength(user) <= USER_BYTES_MAX;
}

export function isAmount(amount: unknown): amount is number {
  return Number.isSafeInteger(amount) && (amount as number) >= 1;
}
