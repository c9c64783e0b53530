/**
 * A case: what is sent to a server, and what must come back, as data. Each case has its own connections and unique
 * user names, so it works on a server that others use at the same time.
 */

import type { Server } from '../../../src/tools/harness/server.ts';
import type { Settings } from '../manifest.ts';
import type { Failure } from './failure.ts';
import type { Talk } from './talk.ts';

/** One thing that happens on a connection. Connections have numbers; without `on` it is number 0. */
export type Act = { on?: number } & (
  | {
      /** Sent as one packet. */
      send: string | Uint8Array;
      /** A line that is too long may be answered before its end was sent, and an echo may arrive in pieces. */
      mayAnswerEarly?: boolean;
    }
  /** Exactly these bytes and a newline. */
  | { reply: string | Uint8Array }
  /** The client shuts down its sending side. */
  | { finish: true }
  /** The server ends the connection, and nothing more came. */
  | { ends: true }
  /** Nothing more comes, and the connection stays open. */
  | { quietMs: number }
  /** The client closes the connection. */
  | { leave: true }
);

interface Named {
  name: string;
  /** What the learner should check if it fails. */
  hint: string;
  /** It needs a new server, started with these settings. */
  settings?: Settings;
}

export interface Script extends Named {
  acts: (user: string) => Act[];
}

interface Stage {
  server: Server;
  open: () => Promise<Talk>;
  user: string;
  /** Tells of a difference that is no mistake, unless the check is strict. */
  tell: (difference: Failure) => void;
}

/** A case as code, for when earlier replies decide what must come next. */
export interface Trial extends Named {
  run: (stage: Stage) => Promise<void>;
}

export type Case = Script | Trial;

export const ACCEPTED = '{"status":"accepted"}';
export const OK = '{"status":"ok"}';
export const HEALTH = '{"type":"health"}';
export const METRICS = '{"type":"metrics"}';
export const BUSY = rejected('server_busy');
export const OVERFLOW = rejected('balance_overflow');

export function ok(balance: number): string {
  return `{"status":"ok","balance":${balance}}`;
}

export function error(reason: string): string {
  return `{"status":"error","reason":"${reason}"}`;
}

export function rejected(reason: string): string {
  return `{"status":"rejected","reason":"${reason}"}`;
}

/** An event that is answered when it is accepted. */
export function event(user: string, action: 'buy' | 'sell', amount: number | string): string {
  return `{"user":"${user}","action":"${action}","amount":${amount}}`;
}

/** An event that is answered after it was applied. */
export function waiting(user: string, action: 'buy' | 'sell', amount: number | string): string {
  return `{"user":"${user}","action":"${action}","amount":${amount},"wait":true}`;
}

export function balance(user: string): string {
  return `{"type":"balance","user":"${user}"}`;
}

/** A line alone in its packet, and its reply before anything else is sent. */
export function ask(line: string | Uint8Array, wanted: string | Uint8Array, on = 0): Act[] {
  const packet = typeof line === 'string' ? `${line}\n` : Buffer.concat([line, Buffer.from('\n')]);
  return [
    { on, send: packet },
    { on, reply: wanted },
  ];
}

/** Lines in one packet, and their replies, in that order. */
export function pipeline(exchanges: readonly (readonly [line: string, wanted: string])[], on = 0): Act[] {
  return [
    { on, send: exchanges.map(([line]) => `${line}\n`).join('') },
    ...exchanges.map(([, wanted]) => ({ on, reply: wanted })),
  ];
}

/** Pads a line with white space to `bytes` bytes, without changing its meaning. */
export function padded(line: string, bytes: number): string {
  return line.slice(0, -1) + ' '.repeat(bytes - Buffer.byteLength(line)) + line.slice(-1);
}
