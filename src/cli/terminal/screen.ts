/**
 * A terminal that is painted over in place: the alternate screen, no cursor, and everything as it was before when the
 * process ends, however it does (but for a `kill -9`).
 */

import { fitted } from './drawing.ts';
import { columnsOn, rowsOn } from './terminal.ts';

const OPEN = '\u001b[?1049h\u001b[?25l';
const CLOSE = '\u001b[0m\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const LINE_ERASED = '\u001b[K';
/** From where the cursor is. */
const SCREEN_ERASED = '\u001b[J';

export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #onExit = () => this.close();
  #isOpen = false;
  #last: () => readonly string[] = () => [];

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  get columns(): number {
    return columnsOn(this.#out);
  }

  get rows(): number {
    return rowsOn(this.#out);
  }

  /** With what is left on the terminal's own screen in the end. */
  open(last: () => readonly string[] = () => []): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#last = last;
    process.on('exit', this.#onExit);
    this.#out.write(OPEN);
  }

  /** Repaints when the terminal has another size. */
  onResize(repaint: () => void): void {
    this.#out.on('resize', repaint);
  }

  /** Lines that do not fit are cut, and so are those below the last row. */
  show(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    // Erased before it is written: behind a full line, a terminal would erase the last column of it.
    const painted = lines.slice(0, this.rows).map(line => `${LINE_ERASED}${fitted(line, this.columns)}`);
    const rest = painted.length < this.rows ? `\r\n${SCREEN_ERASED}` : '';
    // In one write, so that no half of it is ever seen.
    this.#out.write(`${HOME}${painted.join('\r\n')}${rest}`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#onExit);
    this.#out.write(
      CLOSE +
        this.#last()
          .map(line => `${fitted(line, this.columns)}\n`)
          .join(''),
    );
  }
}
