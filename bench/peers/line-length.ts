/**
 * The cost of a byte, by the length of its line: the work of the server must be at most proportional to the length,
 * or a client could cause much work with few bytes. Each shape makes one part of the parsing long.
 *
 * For every length, a connection has about the same number of bytes under way, in pieces of the same size, so the
 * cost of a visit is shared by the same number of bytes, and only the length of lines differs. Short lines cost more
 * a byte, because the fixed cost of a line is shared by fewer bytes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { Asker } from './asker.ts';
import { SHAPES, type Shape } from './line-shapes.ts';
import type { PeerProcess } from './process.ts';
import { startTally, TALLY } from './subjects.ts';
import { onFresh, ROUNDS, SpoiltError, untilSound } from './trial.ts';

const LENGTHS: Record<Size, number[]> = { small: [600], full: [60, 600, 6_000, 60_000] };
/** With room for what the shapes add. */
const LINE_BYTES_MAX = 65_536;
const CONNECTIONS = 10;
/** Less than a chunk: the server reads them at once, and nobody has to wait for a turn. */
const BYTES_UNDER_WAY = 60_000;
const WARMUP_MS: Record<Size, number> = { small: 10, full: 250 };
const MEASURED_MS: Record<Size, number> = { small: 50, full: 500 };
/** Where nothing was answered in that time, on busy cores, the measurement goes on up to this one. */
const ANSWER_MS_MAX = 10_000;
const AMOUNT = 50;

export const bench: Bench = {
  name: 'line-length',
  about: 'Tally alone: what a byte costs by the length of its line, for many shapes of lines',
  run(size, say) {
    const trials = Object.entries(SHAPES).flatMap(([subject, shape]) =>
      LENGTHS[size]
        .filter(bytes => shape.lineBytesMax === undefined || bytes > shape.lineBytesMax)
        .map(bytes => trialOf(subject, shape, bytes, size, say)),
    );
    return alternate(ROUNDS[size], trials, say);
  },
};

function trialOf(
  subject: string,
  shape: Shape,
  bytes: number,
  size: Size,
  say: (line: string) => void,
): Trial {
  const condition = `${bytes.toLocaleString('en-US')} bytes`;
  const flags = ['--line-bytes-max', String(shape.lineBytesMax ?? LINE_BYTES_MAX)];
  const server = { ...TALLY, start: () => startTally(flags) };
  const once = () =>
    onFresh(server, running => measure(running, shape, bytes, size)).catch((error: Error) => {
      error.message = `${subject}, ${condition}: ${error.message}`;
      throw error;
    });
  return { subject, condition, run: () => untilSound(once, say) };
}

async function measure(running: PeerProcess, shape: Shape, bytes: number, size: Size): Promise<Figure[]> {
  const floods = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, index) => {
      const user = `u${index}`;
      return new Flood(await Asker.open(running.port), user, shape, bytes);
    }),
  );
  try {
    const flooding = Promise.all(floods.map(flood => flood.run()));
    const bytesSent = () => floods.reduce((sum, flood) => sum + flood.bytes, 0);
    // A flood that ends before it is told to has failed.
    await Promise.race([sleep(WARMUP_MS[size]), flooding]);
    const before = { bytes: bytesSent(), cpuS: running.cpuSeconds(), ms: performance.now() };
    do await Promise.race([sleep(MEASURED_MS[size]), flooding]);
    while (bytesSent() === before.bytes && performance.now() < before.ms + ANSWER_MS_MAX);
    const after = { bytes: bytesSent(), cpuS: running.cpuSeconds(), ms: performance.now() };
    for (const flood of floods) flood.isOver = true;
    await flooding;
    await Promise.all(floods.map(flood => flood.checkMoney()));

    const served = after.bytes - before.bytes;
    if (served === 0) throw new SpoiltError('nothing was answered in time');
    const rate: Figure = { unit: 'MB/s', better: 'higher', value: served / (after.ms - before.ms) / 1e3 };
    if (before.cpuS === undefined || after.cpuS === undefined) return [rate];
    return [
      { unit: 'ns CPU/byte', better: 'lower', value: ((after.cpuS - before.cpuS) * 1e9) / served },
      rate,
    ];
  } finally {
    for (const flood of floods) flood.asker.close();
  }
}

/** One connection that sends the same lines again and again, all of one user. */
class Flood {
  readonly asker: Asker;
  bytes = 0;
  isOver = false;
  readonly #user: string;
  readonly #shape: Shape;
  readonly #linesAtOnce: number;
  readonly #lines: Buffer;
  readonly #replies: Buffer;
  #sent = 0;

  constructor(asker: Asker, user: string, shape: Shape, bytes: number) {
    this.asker = asker;
    this.#user = user;
    this.#shape = shape;
    const line = `${shape.lineOf(user, AMOUNT, bytes)}\n`;
    this.#linesAtOnce = Math.max(1, Math.floor(BYTES_UNDER_WAY / Buffer.byteLength(line)));
    this.#lines = Buffer.from(line.repeat(this.#linesAtOnce));
    this.#replies = Buffer.from(`${shape.reply}\n`.repeat(this.#linesAtOnce));
  }

  async run(): Promise<void> {
    while (!this.isOver) {
      await this.asker.send(this.#lines, this.#replies, this.#shape.pieceBytes);
      this.bytes += this.#lines.length;
      this.#sent += this.#linesAtOnce;
    }
  }

  /** Lines that are no events must not have moved any. */
  async checkMoney(): Promise<void> {
    const balance = this.#shape.isEvent ? AMOUNT * this.#sent : 0;
    const reply = await this.asker.ask(`{"type":"balance","user":"${this.#user}"}`);
    if (reply !== `{"status":"ok","balance":${balance}}`)
      throw new Error(`the money is wrong: ${reply}, where it should be ${balance}`);
  }
}
