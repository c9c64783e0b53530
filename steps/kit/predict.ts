/**
 * `tally pain N --predict`: asks what the reader expects, before anything runs, and compares it with the measurement.
 * There is no score: having made a guess, right or wrong, makes the figure easier to remember.
 */

import { createInterface } from 'node:readline';
import { count } from '../../src/cli/terminal/numbers.ts';
import { holdTerminal, pause } from '../../src/cli/terminal/pausing.ts';
import { readableColumns, wrappedMarkdown } from '../../src/cli/terminal/prose.ts';
import { quoteIfNeeded } from '../../src/cli/terminal/quoting.ts';
import { canRepaint, isTerminal } from '../../src/cli/terminal/terminal.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import type { Choice, Question, Unit, Whether } from './predictions.ts';
import type { Finding } from './witnesses/witness.ts';

/** `from` inclusive, `to` exclusive; for a number that the reader typed, both are that number. */
export interface Range {
  from: number;
  to: number;
}

interface Said {
  text: string;
  range: Range;
}

/** A question, and the reader's answer; undefined: no idea. */
export interface Prediction {
  question: Question;
  figure: Said | undefined;
  whether: Whether | undefined;
  isSo: boolean | undefined;
}

/** For JSON: a question, its answer, and the measurement. */
export interface Compared {
  asked: string;
  answer: string | boolean | null;
  measured: number | boolean;
  unit?: string;
  /** Whether the answer was right; null if there was none. */
  isRight: boolean | null;
  /** The factor between answer and measurement; null if there is none. */
  factor?: number | null;
}

type Ask = (prompt: string) => Promise<string | undefined>;

const INTERRUPTED = 130;
/** A guess within this factor counts as near. */
const NEAR_FACTOR = 2;
const INDENT = '  ';
/** A longer answer can't be a number. */
const ANSWER_CHARACTERS_MAX = 80;
/** Commas are allowed before three digits only: in some countries `1,5` means one and a half. */
const NUMBER = /^((?:\d{1,3}(?:[,_]\d{3})+|\d+)(?:\.\d+)?)\s*(\S*)$/;

/** Asks on the terminal, or reads lines from a pipe. Questions after the end of the input count as no idea. */
export async function predicted(
  question: Question,
  whether: Whether | undefined,
  out: NodeJS.WriteStream,
): Promise<Prediction> {
  const { stdin } = process;
  const isLive = isTerminal(stdin) && isTerminal(out);
  const isEdited = isLive && canRepaint(out);
  const lines = createInterface({ input: stdin, output: out, terminal: isEdited });
  // In raw mode the terminal passes Ctrl+C on as a key, and sends no signal.
  lines.on('SIGINT', () => {
    out.write('\n');
    process.exit(INTERRUPTED);
  });
  lines.on('SIGTSTP', pause);
  const letGo = holdTerminal({
    leave: () => isEdited && stdin.setRawMode(false),
    takeUp: () => {
      if (isEdited) stdin.setRawMode(false).setRawMode(true);
      lines.prompt(true);
    },
  });
  const answers = lines[Symbol.asyncIterator]();
  const ask: Ask = async prompt => {
    lines.setPrompt(INDENT + prompt);
    lines.prompt();
    const { value, done } = await answers.next();
    // Input from a pipe is not on the screen, so it is printed.
    const text = done ? '' : String(value).trim();
    if (!isLive) out.write(`${text === '' ? '' : quoteIfNeeded(text)}\n`);
    return done ? undefined : text;
  };
  try {
    out.write(
      `${wrappedMarkdown(`${INDENT}Predict first. ${question.situation}`, readableColumns(out))}\n\n`,
    );
    const isSo = whether && (await askWhether(whether, ask, out));
    const figure = await askFigure(question, ask, out);
    out.write('\n');
    return { question, figure, whether, isSo };
  } finally {
    letGo();
    lines.close();
  }
}

async function askWhether(
  { asks }: Whether,
  ask: Ask,
  out: NodeJS.WriteStream,
): Promise<boolean | undefined> {
  out.write(`${INDENT}${asks}\n\n    1  yes\n    2  no\n\n`);
  const isSo = await again(ask, '1 or 2 (Enter: no idea): ', text => {
    if (/^(?:1|y|yes)$/i.test(text)) return true;
    if (/^(?:2|n|no)$/i.test(text)) return false;
    throw new UsageError(`${quoteIfNeeded(text)} is not an answer: 1 for yes, 2 for no, or an empty line`);
  });
  out.write('\n');
  return isSo;
}

async function askFigure(
  { asks, choices, unit }: Question,
  ask: Ask,
  out: NodeJS.WriteStream,
): Promise<Said | undefined> {
  const own = choices.length + 1;
  const texts = [...choices.map(({ text }) => text), 'a number of my own'];
  out.write(`${INDENT}${asks}\n\n${texts.map((text, index) => `    ${index + 1}  ${text}\n`).join('')}\n`);
  const said = await again(ask, `1 to ${own} (Enter: no idea): `, text => readFigure(text, choices, unit));
  return said === 'own' ? again(ask, `The number of ${unit.name}: `, text => readNumber(text, unit)) : said;
}

/** Asks until there is a valid answer; with input from a pipe, only once. */
async function again<T>(ask: Ask, prompt: string, read: (text: string) => T): Promise<T | undefined> {
  for (;;) {
    const text = await ask(prompt);
    if (text === undefined || text === '') return undefined;
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof UsageError) || !isTerminal(process.stdin)) throw error;
      process.stderr.write(`${INDENT}${error.message}\n`);
    }
  }
}

/** The number of a choice, or a number that is none: with a unit, or too large. */
export function readFigure(text: string, choices: readonly Choice[], unit: Unit): Said | 'own' {
  const index = /^\d+$/.test(text) ? Number(text) - 1 : -1;
  if (index === choices.length) return 'own';
  const choice = choices[index];
  if (choice === undefined) return readNumber(text, unit);
  return { text: choice.text, range: { from: choices[index - 1]?.below ?? 0, to: choice.below } };
}

function readNumber(text: string, unit: Unit): Said {
  const [, digits, written] = (text.length > ANSWER_CHARACTERS_MAX ? null : NUMBER.exec(text)) ?? [];
  const isOwnUnit = written === '' || written?.toLowerCase() === unit.name.toLowerCase();
  const factor = isOwnUnit ? 1 : unit.others[written ?? ''];
  const value = Number(digits?.replaceAll(/[,_]/g, '')) * (factor ?? Number.NaN);
  if (!(value <= Number.MAX_SAFE_INTEGER))
    throw new UsageError(
      `${quoteIfNeeded(text)} is not an answer: the number of a choice, a number in ${unit.name}, or an empty line`,
    );
  return { text: unit.print(value), range: { from: value, to: value } };
}

function isWithin({ from, to }: Range, measured: number): boolean {
  return from === to ? measured === from : measured >= from && measured < to;
}

/** The factor between answer and measurement, 1 or more; undefined if one of them is 0. */
export function factorOff(range: Range, measured: number): number | undefined {
  if (isWithin(range, measured)) return 1;
  const [low, high] = measured < range.from ? [measured, range.from] : [range.to, measured];
  return low > 0 ? high / low : undefined;
}

/** Compares the prediction with the finding. */
export function compared({ question, figure, whether, isSo }: Prediction, finding: Finding): Compared[] {
  const measured = Number(finding.evidence[question.figure]);
  const factor = figure && factorOff(figure.range, measured);
  const rows: Compared[] = [
    {
      asked: question.asks,
      answer: figure?.text ?? null,
      measured,
      unit: question.unit.name,
      isRight: figure === undefined ? null : isWithin(figure.range, measured),
      factor: factor === undefined ? null : Math.round(factor * 100) / 100,
    },
  ];
  if (whether !== undefined) {
    const is = whether.measured(finding);
    const isRight = isSo === undefined ? null : isSo === is;
    rows.unshift({ asked: whether.asks, answer: isSo ?? null, measured: is, isRight });
  }
  return rows;
}

/** The same in words, and why it is so. */
export function comparison(prediction: Prediction, finding: Finding): string {
  const { question, figure, whether, isSo } = prediction;
  const lines: string[] = [];
  if (whether !== undefined) {
    const is = whether.measured(finding);
    const said = isSo === undefined ? 'you left that open' : `you said ${isSo ? 'yes' : 'no'}`;
    lines.push(`${whether.asks} ${is ? 'Yes' : 'No'}; ${said}.`);
  }
  lines.push(inWords(figure, Number(finding.evidence[question.figure]), question.unit));
  const { present, absent } = question.because;
  lines.push(`Why: ${finding.isPresent ? present : absent}`);
  const columns = readableColumns(process.stdout);
  return lines.map(line => `${wrappedMarkdown(INDENT + line, columns)}\n`).join('');
}

function inWords(said: Said | undefined, measured: number, unit: Unit): string {
  const was = unit.print(measured);
  if (said === undefined) return `You had no idea; now you have a figure. It was ${was}.`;
  const { text, range } = said;
  // The text of a choice after a colon is an explanation.
  const both = `You said ${text.split(': ', 1)[0]}; it was ${was}`;
  if (isWithin(range, measured)) return `${both}: well predicted.`;
  const way = `you were too ${measured < range.from ? 'high' : 'low'}`;
  const factor = factorOff(range, measured);
  if (factor === undefined) return `${both}: ${way}. Between nothing and something there is no factor.`;
  if (factor < 1.01) return `${both}: ${way}, by less than 1 %. Nearly exact.`;
  const by = factor < 1.1 ? factor.toFixed(2) : factor < 10 ? factor.toFixed(1) : count(factor);
  const rest = factor < NEAR_FACTOR ? 'Near, for a guess.' : 'That distance is what there is to learn here.';
  return `${both}: ${way}, by a factor of ${by}. ${rest}`;
}
