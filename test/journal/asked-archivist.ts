/** An archivist that somebody asks for a snapshot now and then. */
import { Archivist, type ArchivistStart } from '../../src/journal/archivist.ts';
import { Head, headOf } from '../../src/journal/memory.ts';

const EVERY = 13;

export class AskedArchivist extends Archivist {
  readonly #head: Int32Array;
  #turns = 0;

  constructor(...args: [...ConstructorParameters<typeof Archivist>]) {
    super(...args);
    this.#head = headOf((args[1] as ArchivistStart).buffer);
  }

  override turn(nowMs: number): void {
    this.#turns += 1;
    if (this.#turns % EVERY === 0) Atomics.add(this.#head, Head.wanted, 1);
    super.turn(nowMs);
    if (this.served.wanted !== Atomics.load(this.#head, Head.wanted)) throw new Error('it was not served');
  }
}
