/** The output of `tally check`, for people and as JSON. */

import type { Paint } from '../../../src/cli/terminal/colours.ts';
import { MovingLine } from '../../../src/cli/terminal/moving-line.ts';
import { duration } from '../../../src/cli/terminal/numbers.ts';
import { foldedFor } from '../../../src/cli/terminal/prose.ts';
import { stepOf } from '../manifest.ts';
import type { Audience, CheckResult, StageResult } from './run.ts';

/** For a check that takes longer than this, the time is printed. */
const SLOW_MS = 500;
const LAST_STEP = 10;

/** Colours: on terminals, unless disabled. */

/** Prints each result that is news as soon as it is known; on a terminal, also the check under way. */
export function printing(
  out: NodeJS.WriteStream,
  paint: Paint,
  isNews: (result: CheckResult) => boolean,
): Audience {
  let name = '';
  let isFirst = true;
  const line = new MovingLine(out);
  const show = (text: string) => line.show(paint('dim', text));
  return {
    begins: text => {
      name = text;
      show(`  … ${name}`);
    },
    says: text => show(`  … ${name}: ${text}`),
    ends: result => {
      line.clear();
      // The heading of the run already ends with a blank line.
      if (!isNews(result)) return;
      const rows = result.transcript ?? result.note ?? [];
      if (rows.length > 0 && !isFirst) out.write('\n');
      isFirst = false;
      out.write(foldedFor(out, resultRow(result, paint)));
      for (const row of rows) out.write(`${transcriptRow(`    ${row}`, paint, out)}\n`);
    },
  };
}

export const SILENT: Audience = { begins: () => {}, says: () => {}, ends: () => {} };

function resultRow({ name, passed, skipped, note, elapsedMs }: CheckResult, paint: Paint): string {
  if (skipped !== undefined) return paint('dim', `  - ${name} (skipped: ${skipped})`).concat('\n');
  const time = elapsedMs >= SLOW_MS ? paint('dim', ` (${duration(elapsedMs)})`) : '';
  if (note !== undefined) return `  ${paint('yellow', '~')} ${paint('bold', name)}${time}\n\n`;
  return passed
    ? `  ${paint('green', '✓')} ${name}${time}\n`
    : `  ${paint('red', '✗')} ${paint('bold', name)}${time}\n\n`;
}

/** Sentences are wrapped; bytes are not, so that they can be compared. */
function transcriptRow(row: string, paint: Paint, out: NodeJS.WriteStream): string {
  if (/^ +\^ byte /.test(row)) return paint('red', row);
  const [, indent, label, text] =
    /^( +)(problem|sent|answers|expected|received|figures|hint|note)( +.*)$/.exec(row) ?? [];
  if (indent === undefined || label === undefined || text === undefined) return row;
  const painted = indent + paint('cyan', label) + text;
  return /^(?:problem|hint|note)$/.test(label) ? foldedFor(out, painted) : painted;
}

/** The last lines. `again` is how the server was named: `--cmd '…'`, `--connect …`, or nothing for a step. */
export function closing(
  step: number,
  { passed, checks, notRun }: StageResult,
  again: string,
  paint: Paint,
  isLesson = false,
): string {
  const skipped = checks.filter(check => check.skipped !== undefined).length;
  const notes = checks.filter(check => check.note !== undefined).length;
  const done = checks.filter(check => check.passed).length - skipped;
  const counts = [
    `${done} passed${notes === 0 ? '' : `, ${notes} of them with a note (a mistake with --strict)`}`,
    ...(passed ? [] : ['1 failed']),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(notRun > 0 ? [`${notRun} not run yet: first this one`] : []),
  ].join(', ');
  return `\n${paint(passed ? 'green' : 'red', counts)}\n${passed ? whatNext(step, again, skipped, isLesson) : ''}`;
}

function whatNext(step: number, again: string, skipped: number, isLesson: boolean): string {
  const name = `${isLesson ? 'lesson' : 'step'} ${step}`;
  if (again === '') return `It does what ${isLesson ? 'a server of ' : ''}${name} must do.\n`;
  if (skipped > 0)
    return `So far it is right. For the rest: npx tally check ${step} ${again.startsWith('--cmd') ? again : "--cmd '…'"}\n`;
  if (isLesson) return `It speaks as it must. Has it the pain of ${name}? npx tally pain ${step} ${again}\n`;
  const next =
    step === LAST_STEP
      ? `Has it the last pain? npx tally pain ${step} ${again}`
      : `Has it the next pain? npx tally pain ${step} ${again}\nNext, step ${step + 1}, ${stepOf(step + 1).title}: npx tally check ${step + 1} --cmd '…'`;
  return `Step ${step} is done. ${next}\n`;
}
