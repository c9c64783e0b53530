import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { IdWriter, newRunId } from '../../src/tools/load/event-ids.ts';
import { Kind } from '../../src/tools/load/kinds.ts';
import { DEFAULT_WORK, type Mix, type Work } from '../../src/tools/load/plan.ts';
import { ID_BYTES, NO_USER, type Script, writeScript } from '../../src/tools/load/script.ts';
import { scratchFile } from './running.ts';

const NO_MIX: Mix = { buy: 0, sell: 0, wait: 0, transfer: 0, balance: 0, metrics: 0, health: 0, garbage: 0 };

function scriptOf(
  work: Partial<Work>,
  seed = 1,
  protocol: 'tally' | 'redis' = 'tally',
  linesMax: number | undefined = undefined,
) {
  return writeScript({ ...DEFAULT_WORK, ...work }, protocol, seed, linesMax);
}

function lineOf(script: Script, line: number): Buffer {
  return script.bytes.subarray(script.starts[line]!, script.starts[line + 1]!);
}

function countKinds({ kinds }: Script): number[] {
  const counts = Object.values(Kind).map(() => 0);
  for (const kind of kinds) counts[kind]! += 1;
  return counts;
}

describe('the lines of a plan', () => {
  test('are the same bytes for the same seed, and others for another', () => {
    const work = {
      mix: { ...NO_MIX, buy: 3, sell: 1, wait: 1, balance: 1, metrics: 1, health: 1, garbage: 1 },
    };
    const { script } = scriptOf(work, 7);
    expect(script.bytes.equals(scriptOf(work, 7).script.bytes)).toBe(true);
    expect(script.bytes.equals(scriptOf(work, 8).script.bytes)).toBe(false);
  });

  test('are what their tables say: user, amount, kind, place', () => {
    const mix = { ...NO_MIX, buy: 1, sell: 1, wait: 1, balance: 1, metrics: 1, health: 1 };
    const { script, names } = scriptOf({ mix, users: 20, amount: 7, userPrefix: 'a "quoted" ü ' });
    expect(names).toHaveLength(20);
    expect(script.starts[0]).toBe(0);
    expect(script.starts[script.lines]).toBe(script.bytes.length);
    for (let line = 0; line < script.lines; line++) {
      const text = lineOf(script, line).toString();
      expect(text.endsWith('\n')).toBe(true);
      const request = JSON.parse(text);
      const user = script.users[line]!;
      const kind = script.kinds[line]!;
      if (kind <= Kind.wait) {
        const amount = script.amounts[line]!;
        const event = { user: names[user], action: amount < 0 ? 'sell' : 'buy', amount: 7 };
        expect(request).toEqual(kind === Kind.wait ? { ...event, wait: true } : event);
        expect(Math.abs(amount)).toBe(7);
      } else {
        expect({ user, amount: script.amounts[line] }).toEqual({ user: NO_USER, amount: 0 });
        if (kind === Kind.balance) expect(names).toContain(request.user);
        expect(request.type).toBe(
          kind === Kind.balance ? 'balance' : kind === Kind.metrics ? 'metrics' : 'health',
        );
      }
    }
    expect(script.eventsOnly).toBe(false);
  });

  test('of transfers move money between two users; sales and transfers have a minimum', () => {
    const mix = { ...NO_MIX, buy: 1, sell: 1, transfer: 1 };
    const { script, names } = scriptOf({ mix, users: 2, amount: 7, min: -3 });
    for (let line = 0; line < 1_000; line++) {
      const request = JSON.parse(lineOf(script, line).toString());
      const [user, other] = [names[script.users[line]!], names[script.others[line]!]];
      const transfer = { type: 'transfer', from: user, to: other, amount: 7, min: -3 };
      const sale = { user, action: 'sell', amount: 7, min: -3 };
      const [kind, wanted, amount] =
        request.type === 'transfer'
          ? [Kind.transfer, transfer, -7]
          : request.action === 'sell'
            ? [Kind.wait, sale, -7]
            : [Kind.event, { user, action: 'buy', amount: 7 }, 7];
      expect(request).toEqual(wanted);
      expect([script.kinds[line], script.amounts[line]]).toEqual([kind, amount]);
      expect(other === undefined).toBe(kind !== Kind.transfer);
      expect(other).not.toBe(user);
    }
  });

  test('with ids have a place for one, and every line that is sent has another', () => {
    const mix = { ...NO_MIX, buy: 3, sell: 1, wait: 1, transfer: 1, balance: 1 };
    const { script } = scriptOf({ mix, users: 5, ids: true, min: 0 });
    const writer = new IdWriter(script, 'run-1', 4_095);
    const sent = (from: number, to: number, number: number) =>
      writer.linesWithIds(from, to, number).toString().trimEnd().split('\n');
    const ids = new Set<string>();
    let events = 0;
    // The second time round, too.
    for (const number of [0, script.lines])
      for (const [at, text] of sent(0, 1_000, number).entries()) {
        const { id, ...request } = JSON.parse(text);
        expect(id === undefined).toBe(request.type === 'balance');
        expect({ ...JSON.parse(lineOf(script, at).toString()), id }).toEqual({ ...request, id });
        if (id === undefined) continue;
        events += 1;
        ids.add(id);
        expect(id).toMatch(/^run-1[\w-]{10}$/);
      }
    expect(ids.size).toBe(events);
    // Sent again, alone, a line is the same.
    expect(sent(17, 18, script.lines + 17)).toEqual([sent(0, 1_000, script.lines)[17]]);
    expect(Buffer.byteLength([...ids][0]!)).toBe(ID_BYTES);
    expect(newRunId()).toMatch(/^[\w-]{5}$/);
  });

  test('have the shares of the mix', () => {
    const { script } = scriptOf({ mix: { ...NO_MIX, buy: 60, sell: 10, wait: 10, balance: 15, health: 5 } });
    const shares = countKinds(script).map(count => count / script.lines);
    // 65,536 lines: four deviations of a share are below 0.8 %.
    expect(shares[Kind.event]).toBeCloseTo(0.7, 2);
    expect(shares[Kind.wait]).toBeCloseTo(0.1, 2);
    expect(shares[Kind.balance]).toBeCloseTo(0.15, 2);
    expect(shares[Kind.metrics]).toBe(0);
    expect(shares[Kind.health]).toBeCloseTo(0.05, 2);
    expect(shares[Kind.garbage]).toBe(0);
    const sells = script.amounts.filter(amount => amount < 0).length / script.lines;
    expect(sells).toBeCloseTo(0.1, 2);
  });

  test('are 65,536 at least, four for each user', () => {
    expect(scriptOf({ users: 3 }).script.lines).toBe(65_536);
    expect(scriptOf({ users: 50_000 }).script.lines).toBe(200_000);
    expect(scriptOf({}).script.eventsOnly).toBe(true);
  });

  test('are no more than the run can send, and those are the first ones', () => {
    const { script } = scriptOf({ users: 3 }, 5, 'tally', 1_000);
    const whole = scriptOf({ users: 3 }, 5).script;
    expect(script.lines).toBe(1_000);
    expect(script.bytes.equals(whole.bytes.subarray(0, whole.starts[1_000]))).toBe(true);
  });

  test('spread evenly over the users', () => {
    const { script } = scriptOf({ users: 8 });
    const counts = new Array<number>(8).fill(0);
    for (const user of script.users) counts[user]! += 1;
    for (const count of counts) expect(count / script.lines).toBeCloseTo(1 / 8, 2);
  });

  test.each([0.5, 1, 1.5])(
    'with a Zipf law of exponent %f give each user the share that it says',
    exponent => {
      const users = 1_000;
      const { script } = scriptOf({ users, skew: 'zipf', zipfExponent: exponent });
      const counts = new Array<number>(users).fill(0);
      for (const user of script.users) counts[user]! += 1;
      const weights = counts.map((_, user) => (user + 1) ** -exponent);
      const all = weights.reduce((sum, weight) => sum + weight, 0);
      for (const user of [0, 1, 2, 9])
        expect(counts[user]! / script.lines).toBeCloseTo(weights[user]! / all, 2);
      const tail = counts.slice(100).reduce((sum, count) => sum + count, 0) / script.lines;
      const tailWeight = weights.slice(100).reduce((sum, weight) => sum + weight, 0) / all;
      expect(tail).toBeCloseTo(tailWeight, 2);
    },
  );

  test('with garbage in them: none of it is an event, some of it is no text', () => {
    const { script } = scriptOf({ mix: { ...NO_MIX, garbage: 1 } });
    const texts = new Set<string>();
    for (let line = 0; line < 1_000; line++) texts.add(lineOf(script, line).toString('latin1'));
    expect(texts.size).toBeGreaterThan(8);
    expect([...texts].some(text => text === '\n')).toBe(true);
    expect([...texts].every(text => text.indexOf('\n') === text.length - 1)).toBe(true);
  });

  test('for Redis are commands of the same amounts', () => {
    const mix = { ...NO_MIX, buy: 1, sell: 1, balance: 1, health: 1 };
    const { script } = scriptOf({ mix, users: 5, amount: 50 }, 1, 'redis');
    const texts = new Set(Array.from({ length: 1_000 }, (_, line) => lineOf(script, line).toString()));
    expect(texts).toContain('*3\r\n$6\r\nINCRBY\r\n$2\r\nu3\r\n$2\r\n50\r\n');
    expect(texts).toContain('*3\r\n$6\r\nINCRBY\r\n$2\r\nu3\r\n$3\r\n-50\r\n');
    expect(texts).toContain('*2\r\n$3\r\nGET\r\n$2\r\nu3\r\n');
    expect(texts).toContain('*1\r\n$4\r\nPING\r\n');
    expect(texts.size).toBe(16);
  });
});

describe('the lines of a file', () => {
  /** The lines of the file; the script has them again and again. */
  function replay(text: string | Buffer) {
    const file = scratchFile('replay.txt');
    writeFileSync(file, text);
    const { script, names } = scriptOf({ replayFile: file });
    const fileLines = text.toString('latin1').replace(/\n$/, '').split('\n').length;
    expect(script.lines % fileLines).toBe(0);
    const lines = Array.from({ length: fileLines }, (_, line) => ({
      text: lineOf(script, line).toString('latin1'),
      kind: script.kinds[line]!,
      user: script.users[line] === NO_USER ? undefined : names[script.users[line]!],
      amount: script.amounts[line]!,
    }));
    return { lines, script, names };
  }

  test.each([
    ['{"user":"a","action":"buy","amount":5}', Kind.event, 'a', 5],
    ['{"user":"a","action":"sell","amount":5}', Kind.event, 'a', -5],
    ['{"user":"a","action":"buy","amount":5,"wait":true}', Kind.wait, 'a', 5],
    ['{"user":"a","action":"buy","amount":5,"wait":false}', Kind.event, 'a', 5],
    ['{"amount":5e1,"user":"\\u0061","action":"buy"}', Kind.event, 'a', 50],
    ['{"user":"a","action":"buy","amount":5,"id":"x"}', Kind.event, 'a', 5],
    ['{"user":"a","action":"sell","amount":5,"min":-1}', Kind.wait, 'a', -5],
    ['{"type":"transfer","from":"a","to":"b","amount":5,"min":0}', Kind.transfer, 'a', -5],
    ['{"type":"transfer","from":"a","to":"a","amount":5}', Kind.garbage, undefined, 0],
    ['{"type":"transfer","from":"a","to":"b","amount":0}', Kind.garbage, undefined, 0],
    ['{"user":"a","action":"buy","amount":5,"id":""}', Kind.garbage, undefined, 0],
    [`{"user":"a","action":"buy","amount":5,"id":"${'x'.repeat(65)}"}`, Kind.garbage, undefined, 0],
    ['{"user":"a","action":"buy","amount":5,"min":0.5}', Kind.garbage, undefined, 0],
    ['{"type":"balance","user":"a"}', Kind.balance, undefined, 0],
    ['{"type":"metrics","detail":true}', Kind.metrics, undefined, 0],
    ['{"type":"health"}', Kind.health, undefined, 0],
    ['{"type":"dance"}', Kind.garbage, undefined, 0],
    ['{"type":"toString"}', Kind.garbage, undefined, 0],
    ['{"user":"a","action":"toString","amount":5}', Kind.garbage, undefined, 0],
    ['{"user":"a","action":"buy","amount":"5"}', Kind.garbage, undefined, 0],
    ['{"user":"a","action":"buy","amount":1e400}', Kind.garbage, undefined, 0],
    ['{"user":"a","action":"buy","amount":0.5}', Kind.garbage, undefined, 0],
    ['{"user":"a","action":"buy","amount":-5}', Kind.garbage, undefined, 0],
    ['{"user":5,"action":"buy","amount":5}', Kind.garbage, undefined, 0],
    ['{"user":"","action":"buy","amount":5}', Kind.garbage, undefined, 0],
    [`{"user":"${'a'.repeat(129)}","action":"buy","amount":5}`, Kind.garbage, undefined, 0],
    ['{"user":"\\ud800","action":"buy","amount":5}', Kind.garbage, undefined, 0],
    ['hello', Kind.garbage, undefined, 0],
    ['[]', Kind.garbage, undefined, 0],
    ['null', Kind.garbage, undefined, 0],
    ['', Kind.garbage, undefined, 0],
  ])('%s', (text, kind, user, amount) => {
    expect(replay(`${text}\n`).lines).toEqual([{ text: `${text}\n`, kind, user, amount }]);
  });

  test('are sent as they are: line ends of two bytes, empty lines, bytes that are no text', () => {
    const event = '{"user":"b","action":"buy","amount":1}';
    const { lines } = replay(Buffer.from(`${event}\r\n\n\r\n"\xff"\n${event}\n`, 'latin1'));
    expect(lines.map(({ text }) => text)).toEqual([`${event}\r\n`, '\n', '\r\n', '"\xff"\n', `${event}\n`]);
    expect(lines.map(({ kind }) => kind)).toEqual([
      Kind.event,
      Kind.garbage,
      Kind.garbage,
      Kind.garbage,
      Kind.event,
    ]);
  });

  test('may lack the last line end', () => {
    expect(replay('{"type":"health"}\n{"type":"metrics"}').lines.map(({ text }) => text)).toEqual([
      '{"type":"health"}\n',
      '{"type":"metrics"}\n',
    ]);
  });

  test('of any number are all there, in order', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', '{', '}', '\r', ' ', 'ü'), maxLength: 30 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 3_000 }), fc.boolean(), (texts, isEnded) => {
        const whole = texts.join('\n') + (isEnded ? '\n' : 'x');
        const { script } = replay(whole);
        const once = Buffer.from(isEnded ? whole : `${whole}\n`);
        expect(script.lines % texts.length).toBe(0);
        expect(script.lines).toBeGreaterThanOrEqual(2 ** 16);
        expect(script.bytes.equals(Buffer.alloc((once.length * script.lines) / texts.length, once))).toBe(
          true,
        );
      }),
      { numRuns: 30 },
    );
  });

  test('name users once each, whatever their names', () => {
    const users = ['a', '__proto__', 'toString', 'a', 'A', '"', '\u00fc'];
    const event = (user: string) => `${JSON.stringify({ user, action: 'buy', amount: 1 })}\n`;
    expect(replay(users.map(event).join('')).names).toEqual([
      'a',
      '__proto__',
      'toString',
      'A',
      '"',
      '\u00fc',
    ]);
  });

  test('must be there', () => {
    expect(() => replay('')).toThrow(UsageError);
    expect(() => replay('')).toThrow(/^--replay .*replay\.txt has no lines$/);
    expect(() => scriptOf({ replayFile: scratchFile('nowhere.txt') })).toThrow(UsageError);
    expect(() => scriptOf({ replayFile: scratchFile('nowhere.txt') })).toThrow(
      /cannot be read: no such file or directory$/,
    );
  });
});
