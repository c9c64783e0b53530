/**
 * The way from the bytes of packets to the bytes of replies, in one thread and thousands of times a second.
 *
 * Real: `Session` and all that it is made of (framer, parsers, reply queue, pending replies, scheduler), `Sessions`, the
 * buffer that all share, `Engine` with its table of users, lanes and rings, and `Balances`, which applies events.
 * Not real: the kernel (a stream stands for the socket), the worker threads and how they rest and are woken. Here the
 * events are taken out of the rings between packets, at moments that chance picks, so that a balance is sometimes
 * read at once and sometimes asked for. Rings never fill, and users never run out.
 */
import type { Socket } from 'node:net';
import { readSettings } from '../../src/config/read.ts';
import { Balances } from '../../src/engine/balances.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { balancesOf, laneOf, shapeOf } from '../../src/engine/memory-layout.ts';
import { Consumer } from '../../src/engine/ring.ts';
import { RUN_EVENTS_MAX } from '../../src/engine/words.ts';
import { Log } from '../../src/log.ts';
import { CloseQueue } from '../../src/net/close-queue.ts';
import { PlainTransport } from '../../src/net/plain-transport.ts';
import { hashName } from '../../src/protocol/hash.ts';
import { assemble } from '../../src/server/assemble.ts';
import type { Sessions } from '../../src/session/sessions.ts';
import { HandReading, readByHand } from '../model/hand-reading.ts';
import type { Choices } from '../support/lines.ts';

/** The least that the server can be told, so that lines that are too long need not be long. */
export const LINE_BYTES_MAX = 512;
const USERS_MAX = 4_096;
/** Users that one batch may bring: a wire with less room left is worn out. */
const USERS_SPARE = 1_024;
const STREAM_BYTES = 16_384;
/** For clients that are slow to take their replies: so many bytes unread, and the server stops serving. */
const UNSENT_BYTES_MAX = 100;
/** The server puts some clients off by a timer of 50 ms, and a busy machine puts off everybody. */
const END_MS_MAX = 10_000;

/**
 * What another client sends between two packets: one line, too long, that leaves the buffer full of what would end any
 * line. A connection that had left something of its own there would read this.
 */
const NOISE = Buffer.from(`${'"}]},"wait":true}\r'.repeat(60)}\n`);

/** What came back, and what the server noted about it. */
export interface Replay {
  replies: Buffer;
  invalid: number;
  received: number;
  /** What it had counted before: its metrics go on from there. */
  receivedBefore: number;
  /** Counted as dropped: nothing is refused here, so those that would have overflowed. */
  dropped: number;
  /** True if the server never ended the connection. */
  isHanging: boolean;
}

/** One end of a connection. It takes what is written at once, or, if it is slow, in the next turn. */
class Pipe extends HandReading {
  readonly taken: Buffer[] = [];
  /** A socket that was reset has none. */
  readonly remoteAddress = '127.0.0.1';
  readonly #isSlow: boolean;

  constructor(isSlow: boolean) {
    // A slow one says `drain` as late as a socket with that limit on what may be unread would.
    super({
      allowHalfOpen: true,
      readableHighWaterMark: STREAM_BYTES,
      writableHighWaterMark: isSlow ? UNSENT_BYTES_MAX : STREAM_BYTES,
    });
    this.#isSlow = isSlow;
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // Not copied: nobody may change them any more.
    this.taken.push(bytes);
    if (this.#isSlow) setImmediate(done);
    else done();
  }
}

const nextTurn = () => new Promise<void>(resolve => void setImmediate(resolve));

export class Wire {
  readonly #sessions: Sessions;
  readonly #engine: Engine;
  readonly #workers: { ring: Consumer; balances: Balances }[];
  readonly #balances: Float64Array<SharedArrayBuffer>;
  readonly #isSlow: boolean;
  readonly #neighbour = new Pipe(false);
  #noises = 0;

  /** With `isSlow` its clients are slow, and their limit of unread replies is low. */
  constructor(isSlow: boolean) {
    this.#isSlow = isSlow;
    const flags = ['--workers', '2', '--line-bytes-max', String(LINE_BYTES_MAX), '--log-level', 'error'];
    flags.push('--ring', '1024', '--users', String(USERS_MAX));
    const config = readSettings(flags, {});
    if (isSlow) config.unsentBytesMax = UNSENT_BYTES_MAX;
    const log = new Log(config, process.stdout);
    const { made, memory } = withMemory(() => assemble(config, log));
    const { engine, sessions } = made;
    // They are never started: `#work` does what they do.
    Object.defineProperty(engine.workers, 'areAllReady', { value: true });
    const shape = shapeOf(memory);
    this.#workers = Array.from({ length: config.workers }, (_, worker) => {
      const ring = new Consumer(laneOf(memory, shape, worker));
      return { ring, balances: new Balances(memory, shape, worker, ring) };
    });
    this.#balances = balancesOf(memory, shape);
    this.#engine = engine;
    this.#sessions = sessions;
    this.#connect(this.#neighbour);
  }

  /** There may be no room for another batch's users. */
  get isWorn(): boolean {
    return this.#engine.users.users > USERS_MAX - USERS_SPARE;
  }

  /** Sends the bytes on a new connection, cut at these places, to a server that knows no balances yet. */
  async replay(bytes: Buffer, cuts: readonly number[], pace: Choices): Promise<Replay> {
    this.#balances.fill(0);
    this.#noises = 0;
    const { invalid } = this.#sessions.clients;
    const before = this.#engine.counts();
    const pipe = new Pipe(this.#isSlow);
    this.#connect(pipe);
    let from = 0;
    for (const cut of [...cuts, bytes.length]) {
      pipe.comes(bytes.subarray(from, cut));
      await this.#pause(pace);
      if (!(await this.#until(() => pipe.isAllThere, pace))) break;
      from = cut;
    }
    pipe.comes(null);
    await this.#until(() => pipe.writableFinished, pace);
    // Nobody asked for what was left, so nobody waited for it.
    this.#work();
    const isHanging = !pipe.writableFinished;
    pipe.destroy();
    const counts = this.#engine.counts();
    return {
      replies: pipe.taken.length === 1 ? pipe.taken[0]! : Buffer.concat(pipe.taken),
      invalid: this.#sessions.clients.invalid - invalid - this.#noises,
      received: counts.received - before.received,
      receivedBefore: before.received,
      dropped: counts.dropped - before.dropped,
      isHanging,
    };
  }

  /** The balance that the engine has for a name after the last replay. */
  balance(name: Buffer): number | undefined {
    const { readBuffer, seed } = this.#sessions;
    readBuffer.bytes.set(name, readBuffer.start);
    const hash = hashName(readBuffer.view, readBuffer.start, name.length, seed);
    return this.#engine.readBalance({ nameAt: readBuffer.start, nameBytes: name.length, hash });
  }

  #connect(pipe: Pipe): void {
    this.#sessions.accept(new PlainTransport(pipe as unknown as Socket, new CloseQueue(), readByHand));
  }

  /** Between two packets: nothing, or a turn of the event loop, or work, or another client, or some of these. */
  async #pause(pace: Choices): Promise<void> {
    const draw = pace.below(16);
    if (draw & 1) this.#work();
    if ((draw & 6) === 6) this.#makeNoise();
    if (draw & 8) await nextTurn();
  }

  /** Resolves to false if it takes too long. */
  async #until(isDone: () => boolean, pace: Choices): Promise<boolean> {
    if (isDone()) return true;
    const endMs = performance.now() + END_MS_MAX;
    while (!isDone() && performance.now() < endMs) await this.#turn(pace);
    return isDone();
  }

  async #turn(pace: Choices): Promise<void> {
    this.#work();
    if (pace.oneIn(4)) this.#makeNoise();
    await nextTurn();
  }

  #makeNoise(): void {
    this.#noises += 1;
    this.#neighbour.comes(NOISE);
    this.#neighbour.taken.length = 0;
  }

  /** What the worker threads do, and the message that they send. */
  #work(): void {
    for (const { ring, balances } of this.#workers) {
      for (let count = ring.available(); count > 0; count = ring.available())
        balances.applyRun(Math.min(count, RUN_EVENTS_MAX));
    }
    this.#engine.collect();
  }
}

/** The memory of an engine is its own: it can be had only when it is allocated. */
function withMemory<T>(make: () => T): { made: T; memory: SharedArrayBuffer } {
  const real = globalThis.SharedArrayBuffer;
  let memory: SharedArrayBuffer | undefined;
  globalThis.SharedArrayBuffer = new Proxy(real, {
    construct(target, [bytes]: [number]) {
      memory = new target(bytes);
      return memory;
    },
  });
  try {
    const made = make();
    if (memory === undefined) throw new Error('the engine has allocated no memory');
    return { made, memory };
  } finally {
    globalThis.SharedArrayBuffer = real;
  }
}
