/** Blocks of shell are run, and print what the page says below them: see blocks.ts. The long ones are in test/long. */
import { describe, expect, test } from 'vitest';
import { markOf, Reader } from './blocks.ts';
import { allPages, pageOf } from './pages.ts';
import { hasNetcat, lessonWith, mistakesOn, runnable } from './runs.ts';

/** Those of lessons are run beside them: test/lessons/chapters.test.ts. */
const all = allPages().map(runnable);
const pages = all.filter(({ page }) => lessonWith(page) === undefined);

test('every block says what is done with it', () => {
  const unmarked = all.flatMap(({ page: { path }, blocks }) =>
    blocks
      .filter(block => markOf(block).does === undefined)
      .map(({ line, mark }) => `${path}:${line}: ${mark}`),
  );
  expect(unmarked).toEqual([]);
  expect(
    all.flatMap(({ blocks }) => blocks).filter(block => /run|like/.test(markOf(block).does!)).length,
  ).toBeGreaterThan(30);
});

describe('the reader', () => {
  const mistakeIn = async (mark: string, command: string, answer: string) => {
    const [block] = pageOf(
      'page.md',
      `\`\`\`sh ${mark}\n${command}\n\`\`\`\n\n\`\`\`text\n${answer}\n\`\`\`\n`,
    ).blocks;
    return await new Reader(pageOf('page.md', '')).mistakeIn(block!, 1_000);
  };

  test.each([
    ['run', 'echo 1 a', '1 a', undefined],
    ['run', 'echo 1 a', '2 a', /^prints\n1 a/],
    ['run', 'echo a; exit 3', 'a', /^ended with 3/],
    ['run', 'echo a; sleep 9', 'a', /^has not ended/],
    ['like', 'echo 7   b; echo 1.5 a', '2 a\n1 b', undefined],
    ['like', 'echo 1 a', '1 b', /^prints/],
    ['long', "echo 'Pain 1: x'; echo '    rate  5'", 'Pain 1: x\n    rate  6\n', undefined],
    ['long', "echo 'Pain 1: x'", 'Pain 1: x\n    rate  6\n', /^prints/],
  ])('%s: %s', async (mark, command, answer, mistake) => {
    const found = await mistakeIn(mark, command, answer);
    if (mistake === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(mistake);
  });
});

// A page mostly waits: for its servers, and for what it has them do.
test.concurrent.for(pages.filter(({ run }) => run.length > 0))('$path', async (runs, context) => {
  context.skip(runs.here.length === 0, 'what its blocks call is not here');
  const { wrong, ends } = await mistakesOn(runs);
  expect(wrong).toEqual([]);
  // What the page says of the end, where it has said of all events how they were answered.
  if (runs.page.path === 'README.md' && hasNetcat)
    expect(ends[0]).toMatchObject({
      ledger: { exitCode: 0, received: 100_002, processed: 100_002, invalid: 3, lost: 0 },
    });
});
