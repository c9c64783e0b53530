/**
 * The arithmetic of a page, worked out again. A `sums` block has a line for each figure:
 *
 *     users      = 10,000,000               assumed: a name, a figure, and behind two spaces why, if that helps
 *     per second = users × 2 / 86,400 = 231    a name, how it follows, and the figure that comes out
 *
 * Names may have spaces. What follows later uses the figures as they are printed, like a reader with a calculator.
 */

const FUNCTIONS: Record<string, (...values: number[]) => number> = {
  ln: Math.log,
  exp: Math.exp,
  sqrt: Math.sqrt,
  min: Math.min,
  max: Math.max,
  up: Math.ceil,
};

/** What is wrong with the lines of a block; `known` has the figures of the blocks above it, and gets those of this one. */
export function mistakesIn(block: string, known: Map<string, number>): string[] {
  return block
    .split('\n')
    .filter(line => line.trim() !== '')
    .flatMap(line => {
      try {
        const mistake = mistakeIn(line, known);
        return mistake === undefined ? [] : [`${line}: ${mistake}`];
      } catch (error) {
        return [`${line}: ${(error as Error).message}`];
      }
    });
}

function mistakeIn(line: string, known: Map<string, number>): string | undefined {
  const [name = '', ...rest] = line.split(/\s+= /).map(part => part.trim());
  const printed = rest.at(-1) ?? '';
  const [text = ''] = /^-?[\d,]+(?:\.\d+)?(?![\w.])/.exec(printed) ?? [];
  if (name === '' || text === '' || rest.length > 2) return 'is not NAME = FIGURE, or NAME = HOW = FIGURE';
  if (known.has(name)) return `there is a ${name} already`;
  const figure = numberOf(text);
  known.set(name, figure);
  if (rest.length === 1) return undefined;
  const exact = resultOf(rest[0]!, known);
  return Math.abs(exact - figure) <= halfAStepOf(text) * (1 + 1e-9) ? undefined : `it is ${exact}`;
}

const numberOf = (text: string) => Number(text.replaceAll(',', ''));

/** Half of the last place that is not a rounded one: `1.25` is right for 1.2451, and `116,000` for 115,740. */
function halfAStepOf(text: string): number {
  const digits = text.replace(/[-,]/g, '');
  const decimals = digits.split('.')[1]?.length ?? 0;
  const zeros = decimals > 0 ? 0 : /0*$/.exec(digits)![0].length % digits.length || 0;
  return 0.5 * 10 ** (zeros - decimals);
}

function resultOf(how: string, known: ReadonlyMap<string, number>): number {
  const names = [...known.keys()].sort((a, b) => b.length - a.length);
  let expression = how.replace(/(?<=\d),(?=\d{3})/g, '');
  for (const name of names) {
    const whole = new RegExp(`(?<!\\w)${escaped(name)}(?!\\w)`, 'g');
    expression = expression.replace(whole, `(${known.get(name)})`);
  }
  const plain = expression.replaceAll('×', '*').replaceAll('−', '-').replaceAll('^', '**');
  const unknown = plain.replace(/\b(?:ln|exp|sqrt|min|max|up)(?=\()/g, '').match(/[A-Za-z][\w ]*/);
  if (unknown !== null && !/^e\d/.test(unknown[0])) throw new Error(`what is ${unknown[0].trim()}?`);
  const value = new Function(...Object.keys(FUNCTIONS), `return ${plain};`)(...Object.values(FUNCTIONS));
  return value as number;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
