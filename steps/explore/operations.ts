/**
 * What a thread under exploration can be stopped before: an operation on shared memory, its place and its operands.
 *
 * `wait` takes two: `wait` looks at the value and may fall asleep, `asleep` is the way back from that sleep. `pause` is
 * a spin loop's way of saying that it has nothing to do until somebody else writes. `read` and `write` are plain.
 */
export const OPERATIONS = [
  'end',
  'load',
  'store',
  'add',
  'sub',
  'and',
  'or',
  'xor',
  'exchange',
  'compareExchange',
  'wait',
  'asleep',
  'notify',
  'pause',
  'read',
  'write',
  'begin',
] as const;

export type Operation = (typeof OPERATIONS)[number];

export const CODES = Object.fromEntries(OPERATIONS.map((name, code) => [name, code])) as Record<
  Operation,
  number
>;

/** What a stopped thread is about to do. */
export interface Pending {
  operation: Operation;
  /** Bytes from the start of all explored memory. */
  address: number;
  /** The operand: what is stored, added, expected, or how many are woken. */
  value: number;
  /** The second one: what `compareExchange` stores; for `wait` and `asleep` the milliseconds, or Infinity. */
  other: number;
  /** Whether another thread can notice when it happens. */
  isVisible: boolean;
}

export const BEGIN: Pending = { operation: 'begin', address: 0, value: 0, other: 0, isVisible: true };
export const END: Pending = { ...BEGIN, operation: 'end' };

/** Those that change memory, so that a spin loop has something to look at again. */
export function isWriting(operation: Operation): boolean {
  return operation === 'store' || operation === 'write' || isChanging(operation);
}

/** Those that read a value and write another in one. */
export function isChanging(operation: Operation): boolean {
  return ['add', 'sub', 'and', 'or', 'xor', 'exchange', 'compareExchange'].includes(operation);
}

/** Those that only touch a word, and so need nothing but the turn. */
export function isSimple(operation: Operation): boolean {
  return operation === 'load' || operation === 'read' || isWriting(operation);
}

/** What a thread does next: its operation, or what else may become of it there. */
export const VARIANTS = ['run', 'timeOut', 'wakeForNothing', 'die', 'abandon'] as const;
export type Variant = (typeof VARIANTS)[number];

export interface Choice {
  thread: number;
  variant: Variant;
}
