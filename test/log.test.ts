import { Writable } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { grouped, Log } from '../src/log.ts';

/** A stream that keeps what was written, and says that it is a terminal, or not. */
function stream(isTTY: boolean) {
  let written = '';
  const writable = new Writable({
    write(chunk, _, done) {
      written += String(chunk);
      done();
    },
  });
  return {
    stream: Object.assign(writable, { isTTY }) as unknown as NodeJS.WriteStream,
    lines: () => written.split('\n').slice(0, -1),
  };
}

const ESCAPE = '\u001b[';

function sayAll(log: Log): void {
  log.error('e', { n: 1 }, 'an error');
  log.warn('w', { n: 2 }, 'a warning');
  log.info('i', { n: 3 }, 'a remark');
  log.debug('d', { n: 4 }, 'a detail');
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the log', () => {
  test.each([
    ['error', ['e']],
    ['warn', ['e', 'w']],
    ['info', ['e', 'w', 'i']],
    ['debug', ['e', 'w', 'i', 'd']],
  ] as const)('at level %s says %j, and always what is announced or noted', (level, events) => {
    const { stream: out, lines } = stream(false);
    const log = new Log({ logLevel: level, logFormat: 'json' }, out);
    sayAll(log);
    log.announce('listening', { port: 1 }, 'listens');
    log.note('administered', {}, 'noted');
    expect(lines().map(line => (JSON.parse(line) as { event: string }).event)).toEqual([
      ...events,
      'listening',
      'administered',
    ]);
  });

  test('is one JSON object a line, the event first', () => {
    vi.useFakeTimers({ now: Date.parse('2026-01-02T03:04:05.678Z') });
    const { stream: out, lines } = stream(false);
    const log = new Log({ logLevel: 'error', logFormat: 'json' }, out);
    log.error('worker_died', { worker: 1, reason: 'two\nlines' }, 'text');
    log.announce('stopped', { exitCode: 0 }, 'text');
    expect(lines()).toEqual([
      '{"event":"worker_died","level":"error","time":"2026-01-02T03:04:05.678Z","worker":1,"reason":"two\\nlines"}',
      '{"event":"stopped","level":"info","time":"2026-01-02T03:04:05.678Z","exitCode":0}',
    ]);
  });

  test('is readable text when it is asked to be, without colours if it is not told of any', () => {
    vi.useFakeTimers({ now: Date.parse('2026-01-02T03:04:05.678Z') });
    const { stream: out, lines } = stream(false);
    const log = new Log({ logLevel: 'info', logFormat: 'text' }, out);
    log.info('draining', {}, 'draining');
    log.announce('stopped', {}, log.style('bold', 'stopped'));
    expect(lines()).toEqual(['03:04:05.678 info  draining', 'stopped']);
  });

  test.each([
    ['auto', true, true],
    ['auto', false, false],
    ['text', true, true],
    ['text', false, true],
    ['json', true, false],
    ['json', false, false],
  ] as const)('with format %s, on a terminal: %s, is text: %s', (format, isTTY, isText) => {
    const { stream: out, lines } = stream(isTTY);
    const log = new Log({ logLevel: 'info', logFormat: format }, out);
    log.announce('listening', {}, 'listens');
    expect(Boolean(log.isText)).toBe(isText);
    expect(lines()).toEqual([isText ? 'listens' : expect.stringMatching(/^\{"event":"listening",/)]);
  });

  test.each([true, false])('is coloured if it is told so: %s', hasColour => {
    const { stream: out, lines } = stream(true);
    const log = new Log({ logLevel: 'info', logFormat: 'text' }, out, hasColour);
    log.error('e', {}, 'an error');
    expect(lines()[0]!.includes(ESCAPE)).toBe(hasColour);
    expect(log.style('red', 'x') === 'x').toBe(!hasColour);
  });

  test('goes on when nobody reads it any more', async () => {
    const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    const log = new Log({ logLevel: 'info', logFormat: 'json' }, gone as unknown as NodeJS.WriteStream);
    log.info('one', {}, 'one');
    await new Promise(resolve => setImmediate(resolve));
    log.info('two', {}, 'two');
    await new Promise(resolve => setImmediate(resolve));
    expect(gone.destroyed).toBe(true);
  });

  test('drops what comes while too much waits for its reader, and says how many lines that were', async () => {
    vi.useFakeTimers({ now: Date.parse('2026-01-02T03:04:05.678Z'), toFake: ['Date'] });
    let written = '';
    let read = () => {};
    const slow = new Writable({
      highWaterMark: 200,
      write(chunk, _, done) {
        written += String(chunk);
        read = done;
      },
    });
    const log = new Log({ logLevel: 'info', logFormat: 'json' }, slow as unknown as NodeJS.WriteStream);
    for (let n = 0; n < 10; n++) log.info('i', { n }, 'a remark');
    log.announce('stopped', {}, 'stopped');
    while (slow.writableLength > 0) {
      read();
      await new Promise(resolve => setImmediate(resolve));
    }
    log.info('later', {}, 'later');
    const events = written
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { event: string; lines?: number });
    const kept = events.filter(({ event }) => event === 'i').length;
    expect(kept).toBeGreaterThan(0);
    expect(events.slice(kept)).toEqual([
      { event: 'log_dropped', level: 'warn', time: '2026-01-02T03:04:05.678Z', lines: 10 - kept },
      expect.objectContaining({ event: 'stopped' }),
      expect.objectContaining({ event: 'later' }),
    ]);
  });

  test('says that lines are missing as soon as there is room again', async () => {
    let read = () => {};
    const lines: string[] = [];
    const slow = new Writable({
      highWaterMark: 100,
      write(chunk, _, done) {
        lines.push(String(chunk));
        read = done;
      },
    });
    const log = new Log({ logLevel: 'info', logFormat: 'text' }, slow as unknown as NodeJS.WriteStream);
    for (let n = 0; n < 9; n++) log.info('i', {}, 'x'.repeat(40));
    while (slow.writableLength > 0) {
      read();
      await new Promise(resolve => setImmediate(resolve));
    }
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/ warn {2}7 lines of this log are missing here/);
  });
});

test('whole numbers are grouped', () => {
  const values = [0, 999, 1_000, 123_456, 1_234_567, 2 ** 53 - 1];
  expect(values.map(grouped)).toEqual(values.map(value => value.toLocaleString('en-US')));
});
