/**
 * A terminal that is repainted in place: the alternate screen, without a cursor. The terminal is restored when the
 * process ends in any way (except by `kill -9`), and while it is stopped.
 */

import { asciiOf } from './ascii.ts';
import { fitted } from './drawing.ts';
import { holdTerminal } from './pausing.ts';
import { columnsOn, hasUnicode, rowsOn } from './terminal.ts';

const OPEN = '\u001b[?1049h\u001b[?25l';
const CLOSE = '\u001b[0m\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const LINE_ERASED = '\u001b[K';
/** From the cursor to the end of the screen. */
const SCREEN_ERASED = '\u001b[J';

export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #onExit = () => this.close();
  #isOpen = false;
  /** The process was stopped, and has not taken the terminal up again: what is due meanwhile is not drawn. */
  #isLeft = false;
  #last: () => readonly string[] = () => [];
  #repaint = () => {};
  #letGo = () => {};

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  get columns(): number {
    return columnsOn(this.#out);
  }

  get rows(): number {
    return rowsOn(this.#out);
  }

  /** `last` gives the lines that are left on the normal screen at the end. */
  open(last: () => readonly string[] = () => []): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#last = last;
    process.on('exit', this.#onExit);
    this.#letGo = holdTerminal({
      leave: () => {
        this.#isLeft = true;
        this.#out.write(CLOSE);
      },
      takeUp: () => {
        this.#isLeft = false;
        this.#out.write(OPEN);
        this.#repaint();
      },
    });
    this.#out.write(OPEN);
  }

  /** Repaints when the size of the terminal changes, and when the terminal is taken up again after a stop. */
  onResize(repaint: () => void): void {
    this.#repaint = repaint;
    this.#out.on('resize', repaint);
  }

  /** Lines that are too long are cut; lines below the last row are dropped. */
  show(lines: readonly string[]): void {
    if (!this.#isOpen || this.#isLeft) return;
    // Each line is erased before it is written: after a full line, a terminal would erase its last column.
    const painted = lines.slice(0, this.rows).map(line => `${LINE_ERASED}${this.#fitted(line)}`);
    const rest = painted.length < this.rows ? `\r\n${SCREEN_ERASED}` : '';
    // In one write, so that a half-painted screen is never visible.
    this.#out.write(`${HOME}${painted.join('\r\n')}${rest}`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#onExit);
    this.#letGo();
    this.#out.write(
      CLOSE +
        this.#last()
          .map(line => `${this.#fitted(line)}\n`)
          .join(''),
    );
  }

  #fitted(line: string): string {
    return hasUnicode() ? fitted(line, this.columns) : fitted(asciiOf(line), this.columns, '~');
  }
}
