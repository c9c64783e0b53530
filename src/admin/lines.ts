/**
 * The replies to administration, in ASCII: what is beyond it in a name is written as an escape of JSON.
 */
import type { Guard } from '../guard/guard.ts';
import type { User } from './user-page.ts';

/** Users that are written in one step. */
const STEP_USERS = 64;
const PLAIN = /^[ !#-[\]-~]*$/;

/** `next`, if there are more, is where the next page begins: behind the last of this one. */
export function* writeUsers(
  users: readonly User[],
  balances: readonly number[],
  hasMore: boolean,
): Generator<void, string> {
  let line = '{"status":"ok","users":[';
  let last = '';
  for (const [at, { name }] of users.entries()) {
    last = textOf(Buffer.from(name.buffer, name.byteOffset, name.length).toString());
    line += `${at === 0 ? '' : ','}{"user":${last},"balance":${balances[at]}}`;
    if (at % STEP_USERS === STEP_USERS - 1) yield;
  }
  return `${line}]${hasMore ? `,"next":${last}` : ''}}\n`;
}

export function connectionsLine(clients: readonly Guard[], hasMore: boolean): string {
  const nowMs = performance.now();
  const each = clients.map(({ client, address, name, sinceMs }) => {
    const who = name === '' ? '' : `,"name":${textOf(name)}`;
    const ms = Math.round(nowMs - sinceMs);
    return `{"client":${client},"address":${textOf(address)}${who},"since_ms":${ms}}`;
  });
  const next = hasMore ? `,"next":${clients.at(-1)!.client}` : '';
  return `{"status":"ok","connections":[${each.join(',')}]${next}}\n`;
}

function textOf(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  // Code units, so that a character of two has two escapes.
  return JSON.stringify(text).replace(/[^\x20-\x7e]/g, escaped);
}
