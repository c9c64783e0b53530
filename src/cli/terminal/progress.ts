/** How far a command is, in a line that moves on a terminal: not at once, and not too often. */
import { MovingLine, type MovingOut } from './moving-line.ts';

const EVERY_MS = 100;

export class ProgressLine {
  readonly #line: MovingLine;
  #nextMs: number;
  #isShown = false;

  /** Shows nothing in the first `afterMs`: what is over soon needs no line. */
  constructor(out: MovingOut, afterMs: number, environment: NodeJS.ProcessEnv = process.env) {
    this.#line = new MovingLine(out, environment);
    this.#nextMs = performance.now() + afterMs;
  }

  /** `textOf` is called when it is time for another text. */
  show(textOf: () => string): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + EVERY_MS;
    this.#isShown = true;
    this.#line.show(textOf());
  }

  clear(): void {
    if (this.#isShown) this.#line.clear();
    this.#isShown = false;
  }
}

export async function withProgress<Value>(
  textOf: (number: number) => string,
  work: (show: (number: number) => void) => Promise<Value>,
): Promise<Value> {
  const line = new ProgressLine(process.stderr, EVERY_MS);
  try {
    return await work(number => line.show(() => textOf(number)));
  } finally {
    line.clear();
  }
}
