/** A schedule as a table: a row a step, a column a thread, and the memory beside it. */
import { printable } from '../../src/cli/terminal/ascii.ts';
import type { Paint } from '../../src/cli/terminal/colours.ts';
import type { Replay, Step } from './replay.ts';
import type { Stage } from './stage.ts';

const GAP = '  ';

export interface TableOptions {
  paint: Paint;
  /** With less room, threads share a column. */
  columns: number;
}

export interface ScheduleTable {
  head: string[];
  rows: string[];
}

export function tableOf(
  stage: Stage,
  { steps, values }: Replay,
  { paint, columns }: TableOptions,
): ScheduleTable {
  const { threads } = stage.scenario;
  const names = stage.shownNames;
  const texts = steps.map(step => printable(describe(stage, step)));
  const threadWidths = threads.map(({ name }, thread) =>
    widthOf([name, ...texts.filter((_, at) => steps[at]!.choice.thread === thread)]),
  );
  const wordWidths = names.map((name, word) =>
    widthOf([name, String(values[word]), ...steps.map(step => String(step.values[word]))]),
  );
  const numberWidth = String(steps.length).length;
  const isWide =
    sum([numberWidth, ...threadWidths, ...wordWidths]) +
      GAP.length * (threadWidths.length + wordWidths.length) <=
    columns;
  const whoWidths = isWide
    ? threadWidths
    : [widthOf(threads.map(({ name }) => name)), Math.max(...threadWidths)];
  const line = (number: string, who: string[], words: string[]) =>
    [
      number.padStart(numberWidth),
      ...who.map((text, at) => text.padEnd(whoWidths[at]!)),
      ...words.map((text, at) => text.padStart(wordWidths[at]!)),
    ]
      .join(GAP)
      .trimEnd();

  const head = [
    paint('bold', line('', isWide ? threads.map(({ name }) => name) : ['', ''], names)),
    line('', isWide ? threads.map(() => '') : ['', ''], values.map(String)),
  ];
  const rows = steps.map(({ choice, values: after }, at) => {
    const { thread } = choice;
    const who = isWide
      ? threads.map((_, other) => (other === thread ? texts[at]! : ''))
      : [threads[thread]!.name, texts[at]!];
    const before = at === 0 ? values : steps[at - 1]!.values;
    // Only what has changed is written again, and stands out.
    const words = after.map((value, word) => (value === before[word] ? '·' : String(value)));
    return line(String(at + 1), who, words);
  });
  return { head, rows };
}

/** What a step does, in the words of whoever reads the code. */
export function describe(stage: Stage, { choice, pending, result }: Step): string {
  const { operation, address, value } = pending;
  if (choice.variant === 'die') return 'dies';
  if (operation === 'begin') return 'starts';
  if (operation === 'pause') return 'looks again';
  const name = stage.nameOf(address);
  switch (operation) {
    case 'load':
    case 'read':
      return `${operation} ${name} → ${result}`;
    case 'store':
    case 'write':
      return `${operation} ${name} ← ${value}`;
    case 'wait':
      return result === value ? `wait ${name} is ${value}: sleeps` : `wait ${name} is ${result}: goes on`;
    case 'asleep':
      return choice.variant === 'run'
        ? 'wakes'
        : choice.variant === 'timeOut'
          ? 'its wait runs out'
          : 'wakes for nothing';
    case 'notify':
      return `notify ${name}: ${result === 0 ? 'nobody wakes' : result === 1 ? 'one wakes' : `${result} wake`}`;
    default:
      return `${operation} ${name} ${value} → ${result}`;
  }
}

function widthOf(texts: readonly string[]): number {
  return Math.max(...texts.map(text => text.length));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
