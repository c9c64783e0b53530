/** Long output, for as long as somebody reads it: it is gathered, and no more is made until it is gone. */
import { printForMachines } from '../../cli/terminal/output.ts';

const CHUNK_CHARACTERS = 65_536;

export class Printer {
  readonly #print: (text: string) => void;
  #text = '';

  constructor(isForMachines: boolean) {
    this.#print = isForMachines ? printForMachines : text => void process.stdout.write(text);
  }

  add(text: string): void {
    this.#text += text;
  }

  /** Prints what is gathered, once it is much. */
  async flush(charactersMin = CHUNK_CHARACTERS): Promise<void> {
    if (this.#text.length < charactersMin) return;
    this.#print(this.#text);
    this.#text = '';
    if (process.stdout.writableNeedDrain)
      await new Promise<void>(resolve => process.stdout.once('drain', resolve));
    // A reader that has gone is noticed between two turns.
    await new Promise(setImmediate);
  }
}
