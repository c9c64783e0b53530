/** The designs on paper: their figures follow from one another, and each has what a reviewer looks for. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allPages, ROOT } from '../docs/pages.ts';
import { mistakesIn } from './sums.ts';

const FOLDER = 'docs/course/designs';
const all = allPages(FOLDER);
const index = all.find(({ path }) => path.endsWith('README.md'))!;
const pages = all.filter(page => page !== index);
/** Of most pages: their figures are worked out. That of Tally has measured ones instead. */
const SUMS_MIN = 10;

describe('sums', () => {
  const found = (block: string) => mistakesIn(block, new Map());

  test('are worked out again, with what is printed above', () => {
    expect(
      found(
        'a = 10\nb a day = a × 86,400 = 864,000  so many\nc = b a day / 7 = 123,000\nd = c^2 / 10^9 = 15.1 GB',
      ),
    ).toEqual([]);
    expect(found('a = 0.5\nb = exp(-a) + ln(2) × min(a, 3) + up(0.2) = 1.95')).toEqual([]);
  });

  test.each([
    ['a = 10\nb = a × 2 = 21', 'it is 20'],
    ['a = 115,740 / 1 = 115,000', 'it is 115740'],
    ['a = 1 / 3 = 0.34', 'it is 0.333'],
    ['a = b × 2 = 4', 'what is b?'],
    ['a = 1\na = 2', 'there is a a already'],
    ['so many', 'is not NAME'],
    ['a = many', 'is not NAME'],
  ])('%j is wrong', (block, why) => {
    expect(found(block).join()).toContain(why);
  });
});

test('there are ten of them, and the page of all names each, with as much as is in it', () => {
  expect(pages).toHaveLength(10);
  for (const { path } of pages) expect(index.prose).toContain(`](${basename(path)})`);
  expect(readdirSync(join(ROOT, FOLDER)).filter(name => !name.endsWith('.md'))).toEqual([]);
});

describe.each(pages.map(page => [basename(page.path), page] as const))('%s', (name, page) => {
  const { text, blocks } = page;

  test('fits on two printed pages', () => {
    expect(text.split('\n').length - 1).toBeLessThanOrEqual(140);
  });

  test('has trade-offs in a table, ten times the load, and questions', () => {
    const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
    expect(headings.slice(-2)).toEqual(['At ten times the load', 'What a reviewer would ask']);
    expect(headings).toContain('Trade-offs');
    expect(text).toMatch(/## Trade-offs\n\n(?:.+\n)*?\n?\|/);
    expect(text.split('## What a reviewer would ask')[1]!.match(/^- \*\*/gm)!.length).toBeGreaterThanOrEqual(
      5,
    );
  });

  test('has figures that follow from one another', () => {
    const known = new Map<string, number>();
    const sums = blocks.filter(({ language }) => language === 'sums');
    expect(sums.flatMap(block => mistakesIn(block.text, known))).toEqual([]);
    if (name !== 'tally.md') expect(known.size).toBeGreaterThanOrEqual(SUMS_MIN);
  });
});

test('every figure that is cited on the page of Tally stands in what it cites', () => {
  const { text, path } = pages.find(page => page.path.endsWith('tally.md'))!;
  const rows = text.split('\n').filter(line => /^\|.*\*\*.*\]\(\S+\) \|$/.test(line));
  const cited = rows.flatMap(row => {
    const [, to = ''] = /\]\(([^)#]+)[^)]*\) \|$/.exec(row)!;
    const source = all.concat(allPages('docs')).find(page => page.path === join(dirname(path), to));
    return [...row.matchAll(/\*\*([^*]+)\*\*/g)].map(([, figure]) => ({
      figure: figure!,
      to,
      isThere: source?.text.includes(figure!) === true,
    }));
  });
  expect(cited.length).toBeGreaterThan(20);
  expect(cited.filter(({ isThere }) => !isThere)).toEqual([]);
});
