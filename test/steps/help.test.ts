import { describe, expect, test } from 'vitest';
import { printable } from '../../src/cli/terminal/ascii.ts';
import { helpFor } from '../../src/cli/terminal/help.ts';
import { readableColumns, wrappedMarkdown } from '../../src/cli/terminal/prose.ts';
import { COMPARE_HELP, LOAD_HELP } from '../../src/tools/load/command.ts';
import { CHECK_HELP } from '../../steps/kit/check/command.ts';

const words = (text: string) => text.split(/\s+/);

describe('a help text in a narrow terminal', () => {
  test.each([CHECK_HELP, COMPARE_HELP, LOAD_HELP])('keeps its words, in lines that fit (%#)', text => {
    for (const columns of [60, 72, 80, 100]) {
      const fitted = helpFor(text, columns);
      expect(words(fitted)).toEqual(words(printable(text)));
      expect(fitted.split('\n').filter(line => line.length > columns)).toEqual([]);
    }
  });

  test('goes on in its column, and a paragraph flows', () => {
    const text = [
      'A paragraph of two lines, of which the first one is the longer,',
      'and the second is not.',
      '',
      '  --flag N   a number, which may be so great that it is',
      '             said in two lines',
      '  --other    short',
      '',
      'Exit codes: 0 done.',
      '',
    ].join('\n');
    expect(helpFor(text, 46)).toBe(
      [
        'A paragraph of two lines, of which the first',
        'one is the longer, and the second is not.',
        '',
        '  --flag N   a number, which may be so great',
        '             that it is said in two lines',
        '  --other    short',
        '',
        'Exit codes: 0 done.',
        '',
      ].join('\n'),
    );
  });

  test('goes by what there is, where a terminal has no columns', () => {
    expect(readableColumns({ columns: 0 } as NodeJS.WriteStream)).toBe(100);
    expect(wrappedMarkdown('     a few words', 4)).toBe('     a\n     few\n     words');
  });

  test('stays as it is where there is room', () => {
    expect(helpFor(LOAD_HELP, 120)).toBe(LOAD_HELP);
  });
});
