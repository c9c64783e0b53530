/**
 * When each line of an open loop should leave: the inverse of "how many lines should have left by then".
 *
 * In a stage whose rate goes from a to b lines a second within D seconds, n(t) = a·t + (b − a)·t² / 2D lines have
 * left by t. Line i leaves when n(t) = i. Solved so that equal rates need no case of their own:
 * t = 2i / (a + √(a² + 2i·(b − a)/D)).
 *
 * There is one schedule for the whole run. Connection c of C takes the lines c, c + C, c + 2C …, so the rate is the
 * total's however many connections and threads there are, and a connection that is stuck keeps its lines: they get
 * late, and are not quietly given to a faster one.
 */
import type { Stage } from './plan.ts';

interface Span extends Stage {
  startMs: number;
  /** The first line of this stage, as a real number: stages need not end on a whole line. */
  startLine: number;
  lines: number;
}

export class Schedule {
  readonly durationMs: number;
  /** Lines that are due before the end. */
  readonly lines: number;
  readonly #spans: Span[] = [];

  constructor(stages: readonly Stage[]) {
    let startMs = 0;
    let startLine = 0;
    for (const stage of stages) {
      const lines = ((stage.fromPerS + stage.toPerS) / 2) * (stage.durationMs / 1_000);
      this.#spans.push({ ...stage, startMs, startLine, lines });
      startMs += stage.durationMs;
      startLine += lines;
    }
    this.durationMs = startMs;
    // A line that is due at the very end would be one too many; sums of fractions need a little room.
    this.lines = Math.ceil(startLine - 1e-6);
  }

  /** When line `index` should leave, in milliseconds from the start. Infinite for lines after the end. */
  dueMs(index: number): number {
    if (index >= this.lines) return Number.POSITIVE_INFINITY;
    const spans = this.#spans;
    let at = 0;
    while (at < spans.length - 1 && index >= spans[at]!.startLine + spans[at]!.lines) at++;
    const { fromPerS, toPerS, durationMs, startMs, startLine } = spans[at]!;
    const line = index - startLine;
    if (line <= 0) return startMs;
    const growth = (toPerS - fromPerS) / (durationMs / 1_000);
    const seconds = (2 * line) / (fromPerS + Math.sqrt(Math.max(0, fromPerS ** 2 + 2 * line * growth)));
    return startMs + seconds * 1_000;
  }
}

/** The first line from `low` up to, and not, `high` of which something is true that stays true; `high` if none. */
export function firstLine(low: number, high: number, isTrue: (line: number) => boolean): number {
  let [from, upTo] = [low, high];
  while (from < upTo) {
    const middle = Math.floor((from + upTo) / 2);
    if (isTrue(middle)) upTo = middle;
    else from = middle + 1;
  }
  return from;
}

/** The warm-up has the initial rate of the first stage; if that stage holds its rate, it is just extended. */
export function withWarmup(stages: readonly Stage[], warmupMs: number): Stage[] {
  const [first, ...rest] = stages as [Stage, ...Stage[]];
  if (warmupMs === 0) return [...stages];
  if (first.fromPerS === first.toPerS)
    return [{ ...first, durationMs: warmupMs + first.durationMs }, ...rest];
  return [{ durationMs: warmupMs, fromPerS: first.fromPerS, toPerS: first.fromPerS }, ...stages];
}
