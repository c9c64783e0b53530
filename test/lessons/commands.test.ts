/** The commands of lessons: what they list, run, refuse and compare. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { exchange } from '../../src/tools/harness/client.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { isListening, startSaying } from '../../src/tools/harness/server.ts';
import { readPain } from '../../steps/kit/pain.ts';
import type { Deed, Progress } from '../../steps/kit/progress.ts';
import { ENGINES } from '../../steps/lesson-kit/engines/engines.ts';
import { type Lesson, subjectsOf, waysOf, wordOf } from '../../steps/lesson-kit/lesson.ts';
import { LESSONS, lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { list, needs, nextOf } from '../../steps/lesson-kit/listing.ts';
import { type LessonRow, tableHead, tableLines } from '../../steps/lesson-kit/matrix.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { namesOf, ofLessonCommand } from '../../steps/lesson-kit/sources.ts';
import { readTarget, readWay } from '../../steps/lesson-kit/target.ts';
import { buyLine } from '../support/asking.ts';
import { CLI, portSaid, runCli } from '../support/server.ts';

const state = mkdtempSync(join(tmpdir(), 'tally-lessons-'));
const XDG_STATE_HOME = state;
afterAll(() => rmSync(state, { recursive: true, force: true }));

const plain = (_: unknown, text: string) => text;
const progressOf = (deeds: Record<number, Deed[]>): Progress =>
  new Map(Object.entries(deeds).map(([number, done]) => [Number(number), new Set(done)]));
const crash = lessonOf(11)!;
/** `tally lesson`, once it says that it listens. */
const lesson = (words: string[], env: Record<string, string>) =>
  startSaying(
    { name: 'lesson', program: process.execPath, args: [CLI, 'lesson', ...words, '--port', '0'], env },
    portSaid,
    20_000,
  );

/** A lesson with all that lessons may have. */
const rich: Lesson = {
  ...crash,
  number: 98,
  engines: ['redis', 'postgres'],
  companions: ['database'],
  ways: { right: ['owner', 'for-update'] },
  flags: {
    limit: {
      wanted: 'a number',
      values: '1 to 9',
      isRight: () => true,
      usual: 5,
      meaning: 'events a second',
    },
  },
};

describe('tally lessons', () => {
  test('lists what each is, needs and has been done of it, and what to do next', () => {
    const text = list(progressOf({ 11: ['ran', 'felt'] }), plain);
    for (const { title, pain, wrong, right, painLesson } of LESSONS)
      for (const part of [title, pain, wrong, right, painLesson]) expect(text).toContain(part);
    expect(text).toContain('✓ ran ✓ felt\n');
    expect(text).toMatch(/\nnext: npx tally pain \d\d|\nnext: write lesson 11 yourself/);
  });

  test('says what installs an engine that is not here', () => {
    const said = needs({ ...crash, engines: ['redis'] });
    const isHere = ENGINES.redis.isHere();
    expect(said).toBe(
      isHere
        ? 'needs Redis (here)'
        : 'needs Redis is not installed here: apt-get install redis-server, or brew install redis',
    );
    expect(needs(crash)).toBe('');
  });

  test('goes on to the first that was not felt, then to the first that was not written', () => {
    expect(nextOf(progressOf({}))).toBe(
      'npx tally pain 11, npx tally diff 11, then npx tally pain 11 --right',
    );
    const felt = Object.fromEntries(LESSONS.map(({ number }) => [number, ['felt'] as Deed[]]));
    expect(nextOf(progressOf(felt))).toMatch(/^write lesson 11 yourself.*npx tally check 11 --cmd/);
    const all = Object.fromEntries(LESSONS.map(({ number }) => [number, ['felt', 'passed'] as Deed[]]));
    expect(nextOf(progressOf(all))).toContain('tally serve');
  });

  test('is JSON for programs', async () => {
    const { stdout, exitCode } = await runCli(['lessons', '--json'], { XDG_STATE_HOME });
    expect(exitCode).toBe(0);
    const { lessons } = JSON.parse(stdout) as { lessons: object[] };
    expect(lessons).toHaveLength(LESSONS.length);
    expect(lessons[0]).toMatchObject({
      number: 11,
      folder: '11-crash',
      servers: [{ step: '11' }, { step: '11-right' }, { step: 'src' }],
      isReady: true,
      felt: false,
    });
  });
});

describe('tally lesson', () => {
  test.concurrent.each([
    [[], 'which one? tally lesson 11'],
    [['4'], /^there is no lesson 4: .*; 4 is a step: tally step 4\n$/],
    [['99'], /^there is no lesson 99: they are 11/],
    [['11', '--nonsense'], 'lesson 11 does not take --nonsense; it takes --port, --right and --data\n'],
    [['11', '--data='], '--data  is not a folder\n'],
    [['11', '--right=yes'], '--right is a switch; it takes no value\n'],
  ])('%j is wrong usage', async (args, message) => {
    const { exitCode, stdout, stderr } = await runCli(['lesson', ...args], { XDG_STATE_HOME });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr.replace(/^tally lesson: /, '')).toMatch(message);
  });

  test('runs one with its folder, says what it is, and passes on how it ended', async () => {
    const data = mkdtempSync(join(state, 'data-'));
    const run = () => lesson(['11', '--right', '--data', data], { XDG_STATE_HOME });
    let server = await run();
    expect(await exchange(server.port, buyLine('alice', 3))).toBe('{"status":"accepted"}\n');
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ exitCode: 143 });
    expect(server.errors()).toContain('lesson 11, crash (right): a log of events');
    expect(server.errors()).toContain(`data: ${data}\n`);
    server = await run();
    try {
      expect(await exchange(server.port, '{"type":"balance","user":"alice"}\n')).toBe(
        '{"status":"ok","balance":3}\n',
      );
    } finally {
      server.signal('SIGINT');
      await server.ended;
    }
    const kept = JSON.parse(readFileSync(join(state, 'tally', 'progress.json'), 'utf8')) as object;
    expect(kept).toMatchObject({ steps: { 11: ['ran'] } });
  });

  test('without a folder takes one that goes when it ends', async () => {
    const TMPDIR = mkdtempSync(join(state, 'tmp-'));
    const server = await lesson(['11'], { XDG_STATE_HOME, TMPDIR });
    expect(readdirSync(TMPDIR).filter(name => name.startsWith('tally-lesson-'))).toHaveLength(1);
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ exitCode: 0 });
    expect(readdirSync(TMPDIR).filter(name => name.startsWith('tally-lesson-'))).toEqual([]);
  });
});

describe('tally pain of a lesson', () => {
  test('is about the wrong server, the right one, the finished one, or one of the reader’s', () => {
    const of = (...args: string[]) => readPain(['11', ...args]).target!;
    expect(of()).toMatchObject({ title: 'lesson 11, crash (wrong)', step: 11 });
    expect(of('--right')).toMatchObject({ title: 'lesson 11, crash (right)', step: '11-right' });
    expect(of('--step', '11-right')).toMatchObject({ step: '11-right' });
    expect(of('--step', 'src')).toMatchObject({ title: 'src, the finished server', step: 'src' });
    expect(of('--cmd', './server --data {data}')).toMatchObject({ step: './server --data {data}' });
    expect(readPain(['11', '--all']).lessons).toEqual([crash]);
    expect(readPain(['--all', '--lessons']).lessons).toBe(LESSONS);
  });

  test.each([
    [['11', '--right', '--cmd', 'x'], '--cmd and --right exclude each other: one server at a time'],
    [['11', '--step', '12'], '--step 12 is no server of lesson 11; it is 11, 11-right or src'],
    [
      ['11', '--connect', ':1'],
      'pain 11 takes a server that is started, and started again: give --cmd, not --connect',
    ],
    [['11', '--way', 'x'], '--way x is none of lesson 11, wrong, which has one way only'],
    [['4', '--right'], '--right goes with a lesson: 11'],
    [['4', '--way', 'x'], '--way goes with a lesson: 11'],
    [['--lessons'], 'which pain? tally pain 1 to tally pain'],
    [['4', '--lessons', '--all'], '--lessons goes with --all, and without a number'],
    [['99'], 'there is no pain 99: they are 1 to 10 and 11'],
  ])('%j is wrong usage', (args, message) => {
    expect(() => readPain(args)).toThrow(UsageError);
    expect(() => readPain(args)).toThrow(message);
  });

  test('knows servers that go several ways, and lessons that the finished server has nothing of', () => {
    const { finished: _, ...unfinished } = rich;
    expect(subjectsOf(unfinished).map(subject => [wordOf(subject), subject.way])).toEqual([
      ['98', undefined],
      ['98-right', 'owner'],
      ['98-right', 'for-update'],
    ]);
    expect(waysOf(rich, 'src')).toEqual([undefined]);
    expect(readWay(rich, 'right', undefined)).toBe('owner');
    expect(readWay(rich, 'right', 'for-update')).toBe('for-update');
    expect(() => readWay(rich, 'right', 'x')).toThrow('which takes --way owner or for-update');
    expect(() => readTarget(unfinished, { step: 'src' })).toThrow('the finished server has nothing of it');
    expect(readTarget(rich, { right: true, way: 'for-update' }).title).toBe(
      'lesson 98, crash (right, for-update)',
    );
    expect(namesOf(rich)).toEqual(['data', 'way', 'redis-url', 'postgres-url', 'database-url', 'limit']);
  });
});

test.concurrent.each([
  ['3', '03-parse-events', '4'],
  ['11', '11-crash/wrong', '11'],
])('tally pain %s has hints for a server of the reader, and does not tell the solution', async (...row) => {
  const [pain, folder, task] = row;
  const command = `node dist/steps/${folder}/server.js --port {port}${pain === '11' ? ' --data {data}' : ''}`;
  const { stdout, exitCode } = await runCli(['pain', pain, '--cmd', command], { XDG_STATE_HOME });
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(
    new RegExp(`\\n\\n  Hints: npx tally roadmap ${task}; then the same command again\\n$`),
  );
  expect(stdout).not.toContain('tally diff');
});

test.each([
  ['check', 1],
  ['pain', 3],
])(
  'tally %s asks a server that hangs up whether it uses the address that it was told',
  async (name, code) => {
    const mute =
      'require("net").createServer(s => s.on("error", () => {}).end()).listen(process.env.PORT, "127.0.0.1")';
    const { stdout, stderr, exitCode } = await runCli([name, '17', '--cmd', `node -e '${mute}'`]);
    expect(exitCode).toBe(code);
    expect(stdout + stderr).toContain('Does it use DATABASE_URL, or {database_url} in the command?');
  },
);

describe('the matrix of lessons', () => {
  const asExpected = (lesson: Lesson): LessonRow[] =>
    subjectsOf(lesson).map(subject => ({
      pain: lesson.number,
      step: wordOf(subject),
      ...(subject.way !== undefined && { way: subject.way }),
      expected: subject.side === 'wrong' ? 'present' : 'absent',
      observed: subject.side === 'wrong' ? 'present' : 'absent',
      evidence: {},
      elapsedMs: 0,
    }));

  test('has a column for each server, and a line more for each further way', () => {
    const rows = asExpected(rich);
    const cells = (lines: string[]) =>
      lines.map(line =>
        line
          .slice(58)
          .replace(/ {1,7}/g, ' ')
          .trim(),
      );
    expect(cells(tableLines(rich, rows))).toEqual(['● · ·', '·']);
    rows[1]!.observed = 'undecided';
    expect(cells(tableLines(rich, rows))).toEqual(['● !!! ·', '·']);
  });

  test('is shown by steps/README.md', () => {
    const text = readFileSync(join(ROOT, 'steps/README.md'), 'utf8');
    const shown = LESSONS.flatMap(lesson => tableLines(lesson, asExpected(lesson)));
    const pairs = LESSONS.flatMap(subjectsOf).length;
    expect(text).toContain(`${[tableHead(), ...shown].join('\n')}\n\n${pairs} of ${pairs} as`);
  });
});

test('a command gets every flag of its lesson, as it is without one or as the witness wants it', async () => {
  const place = await Place.open({ engines: [], folder: '16-greedy-client' });
  const told =
    'require("net").createServer(s => s.on("error", () => {}).end([process.argv.slice(1), process.env.LIMIT].join(" "))).listen(process.env.PORT, "127.0.0.1")';
  const command = `node -e '${told}' {limit} {window_ms} {clock_ahead_ms}`;
  const source = ofLessonCommand(lessonOf(16)!, command, place);
  const says = async (own?: Record<string, number>) => {
    const server = await source.start(own && { own });
    try {
      return await exchange(server.port, '');
    } finally {
      await server.stop();
    }
  };
  expect(await says()).toBe('1000,1000,0 1000');
  expect(await says({ limit: 3, 'clock-ahead-ms': 5 })).toBe('3,1000,5 3');
  await place.close();
});

test('what a lesson calls is started beside its server, and ends with the place', async () => {
  const place = await Place.open({ engines: [], folder: '11-crash/wrong', companions: ['server'] });
  const { port } = place.companion('server');
  expect(place.addresses).toEqual({ 'server-url': `tcp://127.0.0.1:${port}` });
  expect(await exchange(port, '{"type":"health"}\n')).toBe('{"status":"ok"}\n');
  await place.close();
  expect(await isListening('127.0.0.1', port)).toBe(false);
});

test('tally diff N shows a lesson from wrong to right', async () => {
  const { exitCode, stdout, stderr } = await runCli(['diff', '11']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain('--- 11-crash/wrong/server.ts\n+++ 11-crash/right/server.ts\n');
  expect(stdout.match(/^--- .*request.ts/m)).toBeNull();
  expect(stderr).toBe(`lesson 11, crash: wrong → right\nremoves the pain "${crash.pain}"\n`);
});
