/**
 * The gate through which everything goes that a thread does to explored memory. It stands in for the global `Atomics`,
 * and for the views of that memory: before each operation the thread stops until the explorer lets it go on, and each
 * plain access is noted. The code in between, the shipped modules, is what it always is.
 *
 * Memory that is not explored is used as ever, with one exception: a wait there would never end, as nobody else has
 * that memory, so it ends the thread's run.
 */
import type { Box } from './box.ts';
import { isChanging, isWriting, type Operation } from './operations.ts';
import type { Races } from './races.ts';
import type { Sharing } from './sharing.ts';

const real = globalThis.Atomics;

/** Thrown where a thread dies, or where its run is broken off. No code of a subject may catch it. */
export const GONE = Object.freeze({ gone: true });

type View = Int32Array | Float64Array | BigInt64Array | Uint8Array | Uint32Array;
const VIEWS = ['Int32Array', 'Float64Array', 'BigInt64Array', 'Uint8Array', 'Uint32Array'] as const;

/** How a thread is explored. */
export interface GateOptions {
  thread: number;
  /** The memory that is explored, and which of it is read and written plainly on purpose: those accesses are stops. */
  explored: readonly SharedArrayBuffer[];
  plain: readonly SharedArrayBuffer[];
  /** It may die anywhere: every operation and every plain write is a stop. */
  mayDie: boolean;
}

export class Gate {
  readonly #thread: number;
  readonly #box: Box;
  readonly #races: Races;
  readonly #sharing: Sharing;
  readonly #mayDie: boolean;
  readonly #bases = new Map<ArrayBufferLike, { base: number; bytes: number; isStop: boolean }>();
  readonly #views = new WeakMap<object, View>();
  readonly #wrapped = new WeakMap<View, View>();
  readonly #seen: Int32Array;
  readonly #bits = new DataView(new ArrayBuffer(8));
  /** Operations that it may do before it stops again. */
  #granted = 0;

  constructor({ thread, explored, plain, mayDie }: GateOptions, box: Box, races: Races, sharing: Sharing) {
    this.#thread = thread;
    this.#box = box;
    this.#races = races;
    this.#sharing = sharing;
    this.#mayDie = mayDie;
    this.#seen = box.seen;
    let base = 0;
    for (const buffer of explored) {
      this.#bases.set(buffer, { base, bytes: buffer.byteLength, isStop: plain.includes(buffer) });
      base += paddedBytes(buffer);
    }
  }

  /** From here on the globals are the gate's. */
  install(): void {
    const change =
      (operation: Operation, method: keyof Atomics) => (view: View, index: number, value: never) =>
        this.#change(operation, method, view, index, value);
    const atomics: Record<string, unknown> = {
      load: (view: View, index: number) => this.#load(view, index),
      compareExchange: (view: View, index: number, expected: never, value: never) =>
        this.#compareExchange(view, index, expected, value),
      wait: (view: View, index: number, value: number, timeoutMs = Number.POSITIVE_INFINITY) =>
        this.#wait(view, index, value, timeoutMs),
      notify: (view: View, index: number, count = Number.POSITIVE_INFINITY) =>
        this.#notify(view, index, count),
      isLockFree: real.isLockFree,
    };
    for (const name of ['store', 'add', 'sub', 'and', 'or', 'xor', 'exchange'] as const)
      atomics[name] = change(name, name);
    globalThis.Atomics = atomics as unknown as Atomics;
    for (const name of VIEWS) {
      const View = globalThis[name];
      Object.assign(globalThis, {
        [name]: new Proxy(View as object, {
          construct: (target, parameters) =>
            this.wrap(Reflect.construct(target as typeof View, parameters) as View),
        }),
      });
    }
  }

  /** Before a run. */
  begin(): void {
    this.#granted = this.#box.granted;
    this.#box.passed = 0;
    this.#seen.fill(0);
  }

  /** A view whose accesses are noted; the view itself if its memory is not explored. */
  wrap(view: View): View {
    const memory = this.#bases.get(view.buffer);
    if (memory === undefined || this.#views.has(view)) return view;
    const known = this.#wrapped.get(view);
    if (known !== undefined) return known;
    const gate = this;
    const wrapped = new Proxy(view, {
      get(target, key) {
        const index = indexOf(key);
        if (index !== undefined) return gate.#read(target, index, memory.isStop);
        if (key === 'subarray') return (from: number, to: number) => gate.#copy(target, from, to);
        if (key === 'set') return (values: ArrayLike<number>, at = 0) => gate.#writeAll(target, values, at);
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value === 'function')
          throw new Error(`${String(key)} of an explored view goes past the gate`);
        return value;
      },
      set(target, key, value: number | bigint) {
        const index = indexOf(key);
        if (index === undefined) return Reflect.set(target, key, value, target);
        gate.#write(target, index, value, memory.isStop);
        return true;
      },
    });
    this.#views.set(wrapped, view);
    this.#wrapped.set(view, wrapped);
    return wrapped;
  }

  /** For a loop that spins: nothing to do until somebody else has written. */
  pause(): void {
    this.#stop('pause', undefined, 0, 0, 0);
  }

  /**
   * What this thread does from here on depends on these values, and on nothing else that it has seen. It lets the
   * explorer recognise a state that was reached in another way. Runs without that saving show whether it is true.
   */
  knows(...values: number[]): void {
    this.#seen.fill(0);
    for (const value of values) this.#remember(0, value);
  }

  #load(of: View, index: number): unknown {
    const { view, address } = this.#placeOf(of, index);
    if (address === undefined) return real.load(view as Int32Array, index);
    this.#stop('load', view, address, 0, 0);
    const value = real.load(view as Int32Array, index);
    this.#races.load(this.#thread, address, view.BYTES_PER_ELEMENT);
    return this.#see(address, value);
  }

  #change(operation: Operation, method: keyof Atomics, of: View, index: number, value: never): unknown {
    const { view, address } = this.#placeOf(of, index);
    const perform = real[method] as (view: View, index: number, value: never) => unknown;
    if (address === undefined) return perform(view, index, value);
    this.#stop(operation, view, address, Number(value), 0);
    if (operation !== 'store') this.#races.load(this.#thread, address, view.BYTES_PER_ELEMENT);
    const result = perform(view, index, value);
    this.#races.store(this.#thread, address, view.BYTES_PER_ELEMENT);
    return this.#see(address, result as number);
  }

  #compareExchange(of: View, index: number, expected: never, value: never): unknown {
    const { view, address } = this.#placeOf(of, index);
    if (address === undefined) return real.compareExchange(view as Int32Array, index, expected, value);
    this.#stop('compareExchange', view, address, Number(expected), Number(value));
    this.#races.load(this.#thread, address, view.BYTES_PER_ELEMENT);
    const found = real.compareExchange(view as Int32Array, index, expected, value);
    if (found === expected) this.#races.store(this.#thread, address, view.BYTES_PER_ELEMENT);
    return this.#see(address, found);
  }

  #wait(of: View, index: number, value: number, timeoutMs: number): string {
    const { view, address } = this.#placeOf(of, index);
    if (address === undefined) throw GONE;
    this.#stop('wait', view, address, value, timeoutMs);
    this.#races.load(this.#thread, address, view.BYTES_PER_ELEMENT);
    const found = real.load(view as Int32Array, index);
    this.#see(address, found);
    if (found !== value) return 'not-equal';
    this.#stop('asleep', view, address, value, timeoutMs);
    const hasTimedOut = this.#box.variant === 'timeOut';
    const wasWoken = this.#box.variant === 'run';
    if (wasWoken) this.#races.awake(this.#thread);
    this.#see(address, hasTimedOut ? 1 : wasWoken ? 2 : 3);
    return hasTimedOut ? 'timed-out' : 'ok';
  }

  #notify(of: View, index: number, count: number): number {
    const { view, address } = this.#placeOf(of, index);
    if (address === undefined) return real.notify(view as Int32Array, index, count);
    this.#stop('notify', view, address, count, 0);
    const { woken } = this.#box;
    this.#races.wake(this.#thread, woken);
    let total = 0;
    for (let bits = woken; bits !== 0; bits &= bits - 1) total += 1;
    return this.#see(address, total) as number;
  }

  #read(view: View, index: number, isStop: boolean): number | bigint | undefined {
    if (index >= view.length) return undefined;
    const address = this.#addressOf(view, index);
    if (isStop) this.#stop('read', view, address, 0, 0);
    this.#races.read(this.#thread, address, view.BYTES_PER_ELEMENT);
    const value = view[index]!;
    return isStop ? this.#see(address, value) : this.#remember(address, value);
  }

  #write(view: View, index: number, value: number | bigint, isStop: boolean): void {
    if (index >= view.length) return;
    const address = this.#addressOf(view, index);
    if (isStop || this.#mayDie) this.#stop('write', view, address, Number(value), 0);
    this.#races.write(this.#thread, address, view.BYTES_PER_ELEMENT);
    (view as Int32Array)[index] = value as number;
    if (isStop || this.#mayDie) this.#see(address, value);
    else this.#remember(address, value);
  }

  /** For whoever only reads what it gets: a part of a view, as it is now. */
  #copy(view: View, from: number, to: number): View {
    const { isStop } = this.#bases.get(view.buffer)!;
    for (let index = from; index < to; index++) this.#read(view, index, isStop);
    return view.slice(from, to);
  }

  #writeAll(view: View, values: ArrayLike<number>, at: number): void {
    if (at + values.length > view.length) throw new RangeError('offset is out of bounds');
    const { isStop } = this.#bases.get(view.buffer)!;
    for (let index = 0; index < values.length; index++) this.#write(view, at + index, values[index]!, isStop);
  }

  #stop(operation: Operation, view: View | undefined, address: number, value: number, other: number): void {
    const isVisible = this.#isVisible(operation, address, view?.BYTES_PER_ELEMENT ?? 0);
    if (!isVisible && !this.#mayDie) {
      this.#box.passed += 1;
      return;
    }
    if (this.#granted > 0) {
      this.#granted -= 1;
      return;
    }
    this.#box.stop({ operation, address, value, other, isVisible });
    const { variant } = this.#box;
    if (variant === 'die' || variant === 'abandon') throw GONE;
    this.#granted = this.#box.granted - 1;
    this.#box.passed = 0;
  }

  #isVisible(operation: Operation, address: number, bytes: number): boolean {
    switch (operation) {
      case 'pause':
      case 'asleep':
      case 'notify':
        return true;
      case 'read':
      case 'write':
        // Of memory that nobody races for, noted by the races only.
        if (!this.#isPlainStop(address)) return this.#sharing.stopsAlways;
    }
    const isWrite = isWriting(operation);
    const isRead = !isWrite || isChanging(operation);
    // A wait is always a stop: it may go on as a sleep.
    return this.#sharing.note(this.#thread, address, bytes, isRead, isWrite) || operation === 'wait';
  }

  #isPlainStop(address: number): boolean {
    for (const { base, isStop, bytes } of this.#bases.values())
      if (address >= base && address < base + bytes) return isStop;
    return false;
  }

  /** What an operation gave that the thread had stopped for, or could have. */
  #see<Value extends number | bigint>(address: number, value: Value): Value {
    this.#box.result = Number(value);
    return this.#remember(address, value);
  }

  /** What a thread does next depends on nothing but what it has seen, so a hash of that says where it is. */
  #remember<Value extends number | bigint>(address: number, value: Value): Value {
    this.#bits.setFloat64(0, Number(value));
    const seen = this.#seen;
    let one = seen[0]!;
    let other = seen[1]!;
    for (const word of [address, this.#bits.getInt32(0), this.#bits.getInt32(4)]) {
      one = Math.imul(one ^ word, 0x9e3779b1);
      one ^= one >>> 15;
      other = Math.imul(other + word + 1, 0x85ebca6b);
      other ^= other >>> 13;
    }
    seen[0] = one;
    seen[1] = other;
    return value;
  }

  #placeOf(of: View, index: number): { view: View; address: number | undefined } {
    const view = this.#views.get(of) ?? of;
    return { view, address: this.#bases.has(view.buffer) ? this.#addressOf(view, index) : undefined };
  }

  #addressOf(view: View, index: number): number {
    return this.#bases.get(view.buffer)!.base + view.byteOffset + index * view.BYTES_PER_ELEMENT;
  }
}

/** Buffers lie one behind the other; none shares 8 bytes with the next. */
export function paddedBytes(buffer: ArrayBufferLike): number {
  return Math.ceil(buffer.byteLength / 8) * 8;
}

function indexOf(key: string | symbol): number | undefined {
  return typeof key === 'string' && /^\d+$/.test(key) ? Number(key) : undefined;
}
