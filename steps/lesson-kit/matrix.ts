/** The matrix of lessons: every witness on every server of its lesson, beside what should be; of one lesson, also its figures. */
import { painterFor } from '../../src/cli/terminal/colours.ts';
import { Exit } from '../../src/cli/terminal/command.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { canRepaint } from '../../src/cli/terminal/terminal.ts';
import { evidenceColumns } from '../kit/evidence.ts';
import type { Expected } from '../kit/manifest.ts';
import { print, seconds } from '../kit/trial.ts';
import { type Evidence, whyNot } from '../kit/witnesses/witness.ts';
import { whatIsMissing } from './engines/engines.ts';
import { isPainExpected, type Lesson, type Side, type Subject, subjectsOf, wordOf } from './lesson.ts';
import { Place } from './place.ts';
import { ofSubject } from './sources.ts';

export interface LessonRow {
  pain: number;
  /** `11`, `11-right`, `src`. */
  step: string;
  way?: string;
  expected: Expected;
  observed: Expected | 'undecided';
  evidence: Evidence;
  elapsedMs: number;
}

const SIDES: readonly Side[] = ['wrong', 'right', 'src'];
const NAME_WIDTH = 58;
const CELL_WIDTH = 7;
const paint = painterFor(process.stdout, process.env);

export function expectedOf(subject: Subject): Expected {
  return isPainExpected(subject) ? 'present' : 'absent';
}

/** In a place of its own. */
export async function runSubject(subject: Subject): Promise<LessonRow> {
  const { lesson, way } = subject;
  const startMs = performance.now();
  const row = async () => {
    let place: Place | undefined;
    try {
      place = await Place.open(lesson);
      const { isPresent, evidence } = await lesson.witness.run(ofSubject(subject, place), () => {}, place);
      return { observed: isPresent ? ('present' as const) : ('absent' as const), evidence };
    } catch (error) {
      return { observed: 'undecided' as const, evidence: { error: whyNot(error) } };
    } finally {
      await place?.close();
    }
  };
  return {
    pain: lesson.number,
    step: wordOf(subject),
    ...(way !== undefined && { way }),
    expected: expectedOf(subject),
    ...(await row()),
    elapsedMs: Math.round(performance.now() - startMs),
  };
}

/** The exit code: whether all is as it should be. A lesson whose engine is missing is left out, which is said. */
export async function lessonMatrix(
  lessons: readonly Lesson[],
  times: number,
  isJson: boolean,
): Promise<number> {
  const startMs = performance.now();
  const here = lessons.filter(lesson => !isLeftOut(lesson));
  const rows: LessonRow[] = [];
  for (let time = 0; time < times; time += 1) rows.push(...(await (isJson ? jsonRows(here) : table(here))));
  const wrong = rows.filter(({ expected, observed }) => expected !== observed);
  if (!isJson) {
    if (lessons.length === 1) print(figures(lessons[0]!, rows));
    for (const { pain, step, way, expected, observed, evidence } of wrong)
      print(
        `  pain ${pain} on ${step}${way === undefined ? '' : ` --way ${way}`}: ${observed}, not ${expected}: ${JSON.stringify(evidence)}\n`,
      );
    const elapsed = seconds(performance.now() - startMs).trim();
    print(`${rows.length - wrong.length} of ${rows.length} as they should be, in ${elapsed}\n`);
  }
  return wrong.length === 0 ? Exit.ok : Exit.failed;
}

function isLeftOut({ number, engines }: Lesson): boolean {
  const missing = whatIsMissing(engines);
  if (missing !== undefined) process.stderr.write(`tally pain: lesson ${number} is left out: ${missing}\n`);
  return missing !== undefined;
}

async function jsonRows(lessons: readonly Lesson[]): Promise<LessonRow[]> {
  const rows: LessonRow[] = [];
  for (const subject of lessons.flatMap(subjectsOf)) {
    const row = await runSubject(subject);
    rows.push(row);
    printForMachines(`${JSON.stringify(row)}\n`);
  }
  return rows;
}

async function table(lessons: readonly Lesson[]): Promise<LessonRow[]> {
  print(
    `${paint('dim', '● the pain shows   · it does not   (empty: it does not apply)')}\n\n${tableHead()}\n`,
  );
  const all: LessonRow[] = [];
  for (const lesson of lessons) {
    const rows: LessonRow[] = [];
    for (const subject of subjectsOf(lesson)) {
      const under = subject.way === undefined ? '' : `, ${subject.way}`;
      if (canRepaint(process.stdout)) print(`\r\x1b[K… ${wordOf(subject)}${under}`);
      rows.push(await runSubject(subject));
    }
    print(`${canRepaint(process.stdout) ? '\r\x1b[K' : ''}${tableLines(lesson, rows).join('\n')}\n`);
    all.push(...rows);
  }
  print('\n');
  return all;
}

export function tableHead(): string {
  return `${''.padEnd(NAME_WIDTH)}${SIDES.map(side => side.padStart(CELL_WIDTH)).join('')}`;
}

/** `●` present, `·` absent, `!!!` not as expected. Where a side goes several ways, each but the usual has a line below. */
export function tableLines(lesson: Lesson, rows: readonly LessonRow[]): string[] {
  const subjects = subjectsOf(lesson);
  const cell = (subject: Subject) => {
    const row = rows.find(({ step, way }) => step === wordOf(subject) && way === subject.way);
    if (row === undefined) return '';
    if (row.observed !== row.expected) return '!!!';
    return row.observed === 'present' ? '●' : '·';
  };
  const line = (name: string, shown: readonly Subject[]) => {
    const cells = SIDES.map(side => {
      const subject = shown.find(each => each.side === side);
      return (subject === undefined ? '' : cell(subject)).padStart(CELL_WIDTH);
    });
    return `${name.padEnd(NAME_WIDTH)}${cells.join('')}`.trimEnd();
  };
  const usual = SIDES.flatMap(side => subjects.find(subject => subject.side === side) ?? []);
  const others = subjects.filter(subject => !usual.includes(subject));
  return [
    line(`${lesson.number} ${lesson.pain}`, usual),
    ...others.map(subject => line(`   --way ${subject.way}`, [subject])),
  ];
}

/** The evidence of all servers of a lesson, side by side. */
function figures(lesson: Lesson, rows: readonly LessonRow[]): string {
  const columns = subjectsOf(lesson).flatMap(subject => {
    const row = rows.find(({ step, way }) => step === wordOf(subject) && way === subject.way);
    return row === undefined ? [] : [{ name: subject.way ?? subject.side, evidence: row.evidence }];
  });
  return `${evidenceColumns(columns)}\n`;
}
