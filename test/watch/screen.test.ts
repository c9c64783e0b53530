import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { bar, columnsOf, fitted, gauge, sparkline, wrapped } from '../../src/cli/terminal/drawing.ts';
import { Screen } from '../../src/cli/terminal/screen.ts';
import { type Look, readMetrics } from '../../src/tools/watch/look.ts';
import { lastLines, lookLine, watchLines } from '../../src/tools/watch/view.ts';

describe('the screen', () => {
  const look = (n: number): Look => ({
    atMs: n,
    address: '127.0.0.1:7878',
    state: 'ok',
    why: undefined,
    metrics: readMetrics(
      JSON.stringify({
        ...{ received: 123_456_789, processed: 123_000_000, dropped: 456_789, queued: 0 },
        refused: { server_busy: 456_000, too_many_users: 789, shutting_down: 0, balance_overflow: 0 },
        ...{ users: 10, users_max: 100, workers: 8, workers_ready: 7, worker_deaths: 1, ring_slots: 65_536 },
        ...{
          ring_depths: [0, 1, 40_000, 65_536, 5, 6, 7, 8],
          connections: 10_000,
          connections_total: 123_456,
        },
        uptime_ms: 1_000,
      }),
    ),
    rates: { receivedPerS: 1_000_000 + n, processedPerS: n * 1_000, droppedPerS: n },
    probes: { count: 200, p50Ms: 0.1, p99Ms: 1, maxMs: 1_234 },
    slowestMs: n,
  });
  const history = Array.from({ length: 300 }, (_, n) =>
    n === 7 ? { ...look(n), rates: undefined } : look(n),
  );
  const paint = (_: unknown, text: string) => `\u001b[2m${text}\u001b[0m`;

  test.each([60, 80, 200])(
    'has no line that is longer than %i columns, and no more than there are rows',
    columns => {
      for (const rows of [5, 12, 24, 50]) {
        const lines = watchLines(history, { columns, rows, paint, isPaused: true, intervalMs: 500 });
        expect(lines.filter(line => columnsOf(line) > columns)).toEqual([]);
        expect(lines.length).toBeLessThanOrEqual(rows);
        expect(lines.at(-1)).toContain('q quit');
      }
      const all = watchLines(history, { columns, rows: 50, paint, isPaused: false, intervalMs: 500 }).join(
        '\n',
      );
      for (const worker of [0, 1, 2, 3, 4, 5, 6, 7]) expect(all).toContain(` ${worker} `);
      expect(all).toContain('7 of 8 ready');
      expect(all).toContain('server_busy 456,000');
      expect(all.match(/[▁▂▃▄▅▆▇█]{20}/g)!.length).toBeGreaterThan(2);
    },
  );

  test('says what there is of a step, and of a server that is gone', () => {
    const view = {
      columns: 80,
      rows: 24,
      paint: (_: unknown, text: string) => text,
      isPaused: false,
      intervalMs: 500,
    };
    const bare = { ...look(1), metrics: undefined, rates: undefined };
    expect(watchLines([bare], view).join('\n')).toContain('It has no metrics');
    const gone: Look = {
      ...bare,
      state: 'gone',
      why: 'ECONNREFUSED',
      probes: undefined,
      slowestMs: undefined,
    };
    expect(watchLines([gone], view).join('\n')).toContain('● gone   ECONNREFUSED; trying again');
    expect(lookLine(gone)).toBe('gone: ECONNREFUSED');
    const step = { ...look(1), metrics: { received: 3, processed: 2, dropped: 1 } };
    expect(watchLines([step], view).join('\n')).not.toMatch(/rings|workers/);
  });

  test('keeps the rows of a server that is gone, greyed, and begins all curves in one column', () => {
    const paint = (style: unknown, text: string) => (style === 'dim' ? `<${text}>` : text);
    const view = { columns: 100, rows: 50, paint, isPaused: false, intervalMs: 500 };
    const first = { ...look(1), rates: undefined };
    const none = { metrics: undefined, rates: undefined, probes: undefined, slowestMs: undefined };
    const gone: Look = { ...first, ...none, state: 'gone', why: 'ECONNREFUSED' };
    const before = watchLines([first, look(2), look(3)], view);
    const after = watchLines([first, look(2), look(3), gone], view);
    expect(after.map(line => line.slice(0, 16).replaceAll(/[<>]/g, '')).slice(1)).toEqual(
      before.map(line => line.slice(0, 16).replaceAll(/[<>]/g, '')).slice(1),
    );
    expect(after.filter(line => /server_busy|p50|rings/.test(line)).map(line => line[0])).toEqual([
      '<',
      '<',
      '<',
    ]);
    const curves = before.filter(line => /^ {2}<(?:received|processed|slowest)/.test(line));
    expect(curves.map(line => /[▁▂▃▄▅▆▇█]+$/.exec(line)![0].length)).toEqual([2, 2, 2]);
    const last = lastLines([first, look(2)], view);
    expect(last.join('\n')).toContain('server_busy 456,000');
    expect(last.join('\n')).not.toMatch(/[<>]|q quit/);
    expect(lastLines([], view)).toEqual([]);
  });

  test('is opened once, painted in place, and left as it was', () => {
    let written = '';
    const out = new Writable({
      write: (chunk, _, done) => {
        written += String(chunk);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
    const listeners = process.listenerCount('exit');
    const screen = new Screen(Object.assign(out, { columns: 10, rows: 2 }));
    screen.open(() => ['what is left behind', 'b']);
    screen.show(['a line that is too long', 'second', 'below']);
    screen.show(['short']);
    screen.close();
    screen.close();
    screen.show(['after']);
    expect(written).toBe(
      '\u001b[?1049h\u001b[?25l\u001b[H\u001b[Ka line th…\r\n\u001b[Ksecond' +
        '\u001b[H\u001b[Kshort\r\n\u001b[J\u001b[0m\u001b[?25h\u001b[?1049lwhat is l…\nb\n',
    );
    expect(process.listenerCount('exit')).toBe(listeners);
  });
});

test('bars, curves and lines are as long as they are meant to be', () => {
  expect(bar(0, 8)).toBe('');
  expect(bar(0.0001, 8)).toBe('▏');
  expect(bar(0.5, 8)).toBe('████');
  expect(bar(3, 8)).toBe('████████');
  expect(gauge(0.25, 8)).toBe('██░░░░░░');
  expect(sparkline([9, 0, 4, undefined, 8], 4)).toBe('▁▅ █');
  expect(sparkline([0, 0], 4)).toBe('▁▁');
  expect(fitted('\u001b[1mabcdef\u001b[0m', 4)).toBe('\u001b[1mabc…\u001b[0m');
  expect(fitted('abc', 3)).toBe('abc');
  expect(wrapped('one two three', 9, '  ')).toEqual(['  one two', '  three']);
});
