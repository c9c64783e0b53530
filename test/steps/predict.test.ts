import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../src/tools/harness/root.ts';
import { STEPS } from '../../steps/kit/manifest.ts';
import { readPain } from '../../steps/kit/pain.ts';
import { compared, comparison, factorOff, type Prediction, readFigure } from '../../steps/kit/predict.ts';
import { questionOf, whetherOf } from '../../steps/kit/predictions.ts';
import { CLI } from '../support/server.ts';

/** Of pain 4, in ms. */
const { choices, unit } = questionOf(4);

describe('the questions', () => {
  test.each(STEPS.map(({ number }) => number))('of pain %d fit its witness, and leave no gap', number => {
    const { figure, choices, because } = questionOf(number);
    const witness = `steps/kit/witnesses/pain-${String(number).padStart(2, '0')}.ts`;
    expect(readFileSync(join(ROOT, witness), 'utf8')).toMatch(new RegExp(`\\b${figure}\\b`));
    const bounds = choices.map(({ below }) => below);
    expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b));
    expect(bounds.at(-1)).toBe(Number.POSITIVE_INFINITY);
    expect(because.present).not.toBe(because.absent);
  });
});

describe('an answer', () => {
  test.each([
    ['2', 1, 100],
    ['4', 1_000, Number.POSITIVE_INFINITY],
    ['30 ms', 30, 30],
    ['1.5s', 1_500, 1_500],
    ['200us', 0.2, 0.2],
    ['2,000', 2_000, 2_000],
    ['1,000,000.5 ms', 1_000_000.5, 1_000_000.5],
    ['0', 0, 0],
  ])('%s is read', (text, from, to) => {
    expect(readFigure(text, choices, unit)).toMatchObject({ range: { from, to } });
  });

  test('may be the wish to give a number, and nothing that is none', () => {
    expect(readFigure('5', choices, unit)).toBe('own');
    for (const text of ['9'.repeat(90), '9'.repeat(60)])
      expect(() => readFigure(text, choices, unit)).toThrow(/^"?9{60,80}"? is not an answer/);
    for (const text of ['much', '-3', '3 MiB', '1..2', '1,5', '1,5 s', '1,0000'])
      expect(() => readFigure(text, choices, unit), text).toThrow(`${text} is not an answer`);
  });

  test.each([
    [{ from: 1, to: 100 }, 42, 1],
    [{ from: 1, to: 100 }, 2_000, 20],
    [{ from: 1_000, to: Number.POSITIVE_INFINITY }, 0.5, 2_000],
    [{ from: 10, to: 10 }, 30, 3],
    [{ from: 0, to: 1 }, 0, 1],
    [{ from: 5, to: 5 }, 0, undefined],
  ])('%j is off from %d by a factor of %s', (range, measured, factor) => {
    expect(factorOff(range, measured)).toBe(factor);
  });
});

describe('the comparison', () => {
  const finding = { isPresent: true, evidence: { healthP99Ms: 2_165 }, sentence: '' };
  const said = (text: string | undefined): Prediction => {
    const figure = text === undefined ? undefined : readFigure(text, choices, unit);
    if (figure === 'own') throw new Error('that is no answer yet');
    return { question: questionOf(4), figure, whether: undefined, isSo: undefined };
  };

  test.each([
    ['4', 'You said more than 1 s; it was 2,165 ms: well predicted.'],
    ['2', 'You said 1 to 100 ms; it was 2,165 ms: you were too low, by a factor of 22. That distance'],
    ['3500', 'You said 3,500 ms; it was 2,165 ms: you were too high, by a factor of 1.6. Near'],
    ['2s', 'You said 2,000 ms; it was 2,165 ms: you were too low, by a factor of 1.08. Near'],
    ['2164', 'it was 2,165 ms: you were too low, by less than 1 %.'],
    ['0', 'You said 0.000 ms; it was 2,165 ms: you were too low. Between nothing and something there is no'],
    [undefined, 'You had no idea; now you have a figure. It was 2,165 ms.'],
  ])('of %s says how far off it was, and why', (text, words) => {
    const written = comparison(said(text), finding).replace(/\n +/g, ' ');
    expect(written).toContain(words);
    expect(written).toContain('Why: 1,000 events of 2 ms are 2 s of one thread');
  });

  test('of another server begins with whether the pain shows', () => {
    const whether = whetherOf(4, 'one heavy client delays everybody', false, 'step 5');
    const absent = { isPresent: false, evidence: { healthP99Ms: 3 }, sentence: '' };
    const prediction = { ...said('2'), whether, isSo: true };
    expect(comparison(prediction, absent)).toContain('show in step 5? No; you said yes.');
    expect(compared(prediction, absent)).toMatchObject([
      { answer: true, measured: false, isRight: false },
      { answer: '1 to 100 ms', measured: 3, unit: 'ms', isRight: true, factor: 1 },
    ]);
  });
});

describe('tally pain --predict', () => {
  const pain = (input: string, ...args: string[]) =>
    spawnSync(process.execPath, [CLI, 'pain', ...args, '--predict'], { input, encoding: 'utf8' });

  test('asks before it runs, and has the prediction in its JSON', () => {
    const { status, stdout, stderr } = pain('3\n', '8', '--json');
    expect(status).toBe(0);
    expect(stderr).toContain('1 to 5 (Enter: no idea): 3\n');
    const row = JSON.parse(stdout) as { observed: string; predictions: object[] };
    expect(row).toMatchObject({ pain: 8, observed: 'present' });
    expect(row.predictions).toEqual([
      {
        asked: questionOf(8).asks,
        answer: '100',
        measured: 0,
        unit: 'events',
        isRight: false,
        factor: null,
      },
    ]);
  });

  test('asks of another step whether the pain is there, and takes the end of the input for no idea', () => {
    const { status, stdout } = pain('2\n', '8', '--step', '9');
    expect(status).toBe(0);
    const before = stdout.split('100 events were applied')[0];
    expect(before).toContain('  1 or 2 (Enter: no idea): 2\n');
    expect(before).toContain('  1 to 5 (Enter: no idea): \n');
    expect(stdout).toContain('show in step 9? No; you said no.');
    expect(stdout).toContain('You had no idea; now you have a figure. It was 100.');
  });

  test('prints no more than a piece of what was piped in, and nothing that a terminal obeys', () => {
    const { status, stdout, stderr } = pain(`${'\0\u001b]0;EVIL\u0007'.repeat(100_000)}\n`, '8');
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^tally pain: "\\u0000\\u001b\]0;EVIL.{1,400} is not an answer: the number of a choice/,
    );
    expect(`${stdout}${stderr}`.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(stdout.length).toBeLessThan(2_000);
  });

  test('goes with one pain', () => {
    expect(() => readPain(['8', '--all', '--predict'])).toThrow('--predict asks about one pain');
  });
});
