/**
 * The benches of Tally alone that are about shapes: of lines, of the workers, of its start and end. Each runs small, as
 * users start it; and the client that some of them use notices what is wrong.
 */
import { execFile } from 'node:child_process';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import type { BenchRecord, Measure } from '../../bench/bench.ts';
import { Asker } from '../../bench/peers/asker.ts';
import { SHAPES } from '../../bench/peers/line-shapes.ts';
import { SpoiltError } from '../../bench/peers/trial.ts';

const execute = promisify(execFile);

const cli = fileURLToPath(new URL('../../dist/bench/cli.js', import.meta.url));
/** line-length starts a server for each of its shapes. */
const BENCH_MS_MAX = 180_000;
/** Processor time is known on Linux only. */
const withCpu = (unit: string, others: string[]) =>
  process.platform === 'linux' ? [unit, ...others] : others;

async function runSmall(name: string): Promise<Measure[]> {
  const { stdout } = await execute(process.execPath, [cli, '--small', '--json', '-', name], {
    timeout: BENCH_MS_MAX,
  });
  const { measures } = (JSON.parse(stdout) as BenchRecord[])[0]!;
  for (const { unit, samples } of measures) {
    // Processor time is counted in hundredths of a second: a small run on a busy machine may see none.
    const isRight = (sample: number) => Number.isFinite(sample) && (sample > 0 || unit.includes('CPU'));
    expect(samples.every(isRight)).toBe(true);
  }
  return measures;
}

const unitsOf = (measures: Measure[]) => [...new Set(measures.map(({ unit }) => unit))].sort();
const conditionsOf = (measures: Measure[]) => [...new Set(measures.map(({ condition }) => condition))];
const subjectsOf = (measures: Measure[], unit: string) =>
  measures.filter(measure => measure.unit === unit).map(({ subject }) => subject);

// Their figures mean nothing, so they may disturb one another.
describe.concurrent('a small run of', { timeout: BENCH_MS_MAX }, () => {
  test('start says how long it takes to listen and to exit', async () => {
    const measures = await runSmall('start');
    expect(subjectsOf(measures, 'ms to listening')).toEqual(['tally', 'node, nothing to do']);
    expect(subjectsOf(measures, 'ms to exit')).toEqual(['tally']);
    expect(conditionsOf(measures)).toEqual(['']);
  });

  test('workers compares every number of them with one', async () => {
    const measures = await runSmall('workers');
    expect(unitsOf(measures)).toEqual(['events/s', 'of workers × the rate of one']);
    expect(conditionsOf(measures)).toEqual(['1 worker', '2 workers']);
    expect(measures.find(({ unit }) => unit !== 'events/s')!.samples).toEqual([1]);
  });

  test('lines measures the usual line, other ways to write it, and garbage', async () => {
    const measures = await runSmall('lines');
    expect(unitsOf(measures)).toEqual(withCpu('µs CPU/line', ['lines/s']).sort());
    expect(conditionsOf(measures)).toEqual(['depth 16']);
    expect(subjectsOf(measures, 'lines/s')).toEqual([
      'the usual line',
      'keys in another order',
      'with spaces',
      'an escape in the name',
      'all three',
      'no JSON, at its end',
      'no JSON, from its start',
      'JSON, and no event',
    ]);
  });

  test('line-length measures every shape', async () => {
    const measures = await runSmall('line-length');
    expect(unitsOf(measures)).toEqual(withCpu('ns CPU/byte', ['MB/s']).sort());
    expect(conditionsOf(measures)).toEqual(['600 bytes']);
    expect(subjectsOf(measures, 'MB/s')).toEqual(Object.keys(SHAPES));
  });
});

test.each(Object.entries(SHAPES))(
  '%s: lines are as long as they should be',
  (_, { lineOf, lineBytesMax }) => {
    for (const bytes of [60, 600, 6_000, 60_000]) {
      if (bytes <= (lineBytesMax ?? 0)) continue;
      const length = Buffer.byteLength(lineOf('u1', 50, bytes));
      // The fields of some are longer than the rest of a short line.
      expect(length).toBeGreaterThanOrEqual(bytes - 30);
      expect(length).toBeLessThanOrEqual(bytes + 30);
    }
  },
);

describe('the client that knows its replies', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  /** Opened to a server that answers every chunk with what this returns; undefined: it hangs up. */
  async function openTo(answer: (text: string) => string | undefined): Promise<Asker> {
    const listening = createServer(socket => {
      socket.on('data', chunk => {
        const reply = answer(String(chunk));
        if (reply === undefined) socket.destroy();
        else socket.write(reply);
      });
      socket.on('error', () => {});
    });
    server = listening;
    await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve));
    return Asker.open((listening.address() as AddressInfo).port);
  }

  const send = (asker: Asker, lines: string, replies: string, pieceBytes?: number) =>
    asker.send(Buffer.from(lines), Buffer.from(replies), pieceBytes);

  test('takes replies however they are cut, and asks again', async () => {
    const asker = await openTo(text => text.toUpperCase());
    await send(asker, 'one\ntwo\n', 'ONE\nTWO\n');
    await send(asker, 'three\n'.repeat(50), 'THREE\n'.repeat(50), 7);
    expect(await asker.ask('four')).toBe('FOUR');
    asker.close();
  });

  test.each([
    ['another reply', 'ok\nno\n', 'the server sent "no\\n", not "ok\\n"'],
    ['a reply too many', 'ok\nok\nok\n', 'the server sent "ok\\n", not nothing'],
  ])('refuses %s', async (_, reply, message) => {
    const asker = await openTo(() => reply);
    await expect(send(asker, 'a\nb\n', 'ok\nok\n')).rejects.toThrow(message);
    await expect(asker.ask('c')).rejects.toThrow(message);
  });

  test('tells lines that were refused as busy from wrong answers', async () => {
    const busy = '{"status":"rejected","reason":"server_busy"}\n';
    const asker = await openTo(() => `ok\n${busy}`);
    await expect(send(asker, 'a\nb\n', 'ok\nok\n')).rejects.toThrow(SpoiltError);
  });

  test('refuses to go on when the server hung up, also between pieces', async () => {
    const asker = await openTo(() => undefined);
    await expect(send(asker, 'a\n'.repeat(9_999), 'ok\n', 2)).rejects.toThrow();
    await expect(asker.ask('b')).rejects.toThrow();
  });
});
