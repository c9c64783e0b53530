/** One line that changes while something is under way. On terminals that can do that; elsewhere, nothing. */
import { asciiOf } from './ascii.ts';
import { fitted } from './drawing.ts';
import { canRepaint, columnsOn, hasUnicode } from './terminal.ts';

/** Of a stream without columns it is not known how many there are. */
export type MovingOut = Pick<NodeJS.WriteStream, 'isTTY' | 'write'> & { readonly columns?: number };

const ERASED = '\r\u001b[K';

export class MovingLine {
  readonly #out: MovingOut;
  readonly #isShown: boolean;
  readonly #hasUnicode: boolean;

  constructor(out: MovingOut, environment: NodeJS.ProcessEnv = process.env) {
    this.#out = out;
    this.#isShown = canRepaint(out, environment);
    this.#hasUnicode = hasUnicode(environment);
  }

  /** In place of what it showed before. A text that is too long is cut. */
  show(text: string): void {
    if (!this.#isShown) return;
    const columns = columnsOn(this.#out) - 1;
    this.#out.write(
      ERASED + (this.#hasUnicode ? fitted(text, columns) : fitted(asciiOf(text), columns, '~')),
    );
  }

  clear(): void {
    if (this.#isShown) this.#out.write(ERASED);
  }
}
