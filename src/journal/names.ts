/**
 * The names of new users on their way to the worker that writes them down: a ring of bytes between the socket thread
 * and one worker. A name is there before the first event of its user is published, and until the ring's head has passed
 * that event; then it is in the journal.
 */
import { NAME_HEADER_BYTES, nameRecordBytes } from './format.ts';
import { type JournalLane, Word } from './memory.ts';

export class NameProducer {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #names: Uint8Array<SharedArrayBuffer>;
  readonly #view: DataView;
  #head = 0;
  #tail = 0;

  constructor(memory: JournalLane) {
    this.#words = memory.words;
    this.#names = memory.names;
    this.#view = new DataView(memory.names.buffer, memory.names.byteOffset, memory.names.byteLength);
  }

  /** Whether a name fits; `ringHead` is the head of the ring of events. */
  hasRoom(nameBytes: number, ringHead: number): boolean {
    const needed = nameRecordBytes(nameBytes);
    const mask = this.#names.length - 1;
    while (this.#names.length - ((this.#tail - this.#head) | 0) < needed) {
      const sequence = this.#view.getInt32(this.#head & mask, true);
      if (((ringHead - sequence) | 0) <= 0) return false;
      const bytes = this.#view.getUint32((this.#head + 8) & mask, true);
      this.#head = (this.#head + nameRecordBytes(bytes)) | 0;
    }
    return true;
  }

  /** Adds the name of user `index`, whose first event is `sequence`. There must be room. */
  push(sequence: number, index: number, from: DataView, at: number, bytes: number): void {
    const mask = this.#names.length - 1;
    // Records are multiples of 8 bytes, so no number lies around the end; a name may.
    this.#view.setInt32(this.#tail & mask, sequence, true);
    this.#view.setUint32((this.#tail + 4) & mask, index, true);
    this.#view.setUint32((this.#tail + 8) & mask, bytes, true);
    for (let byte = 0; byte < bytes; byte++)
      this.#names[(this.#tail + NAME_HEADER_BYTES + byte) & mask] = from.getUint8(at + byte);
    this.#tail = (this.#tail + nameRecordBytes(bytes)) | 0;
    Atomics.store(this.#words, Word.namesTail, this.#tail);
  }
}
