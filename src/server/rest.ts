/**
 * Bytes of a connection that were received and not served yet. Grows by doubling, so bytes that come one by
 * one are not copied again and again; an empty one holds no memory.
 */
const BYTES_MIN = 256;

export class Rest {
  #buffer: Buffer | undefined;
  bytes = 0;

  /** Adds the end of a chunk, from `from` on; keeps the chunk itself where that wastes little. */
  append(chunk: Buffer, from = 0): void {
    if (this.bytes === 0 && from * 2 <= chunk.length && chunk.length > BYTES_MIN) {
      this.#buffer = chunk.subarray(from);
      this.bytes = this.#buffer.length;
    } else {
      this.copy(chunk.subarray(from));
    }
  }

  /** Adds bytes that will not stay where they are. */
  copy(chunk: Uint8Array): void {
    const needed = this.bytes + chunk.length;
    if (this.#buffer === undefined || this.#buffer.length < needed) {
      const grown = Buffer.allocUnsafeSlow(Math.max(BYTES_MIN, this.bytes === 0 ? needed : needed * 2));
      if (this.#buffer !== undefined) this.#buffer.copy(grown, 0, 0, this.bytes);
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.bytes);
    this.bytes = needed;
  }

  /** Empties into `target` at `at`; returns where the bytes end there. */
  moveTo(target: Uint8Array, at: number): number {
    if (this.#buffer === undefined) return at;
    target.set(this.#buffer.subarray(0, this.bytes), at);
    const end = at + this.bytes;
    this.clear();
    return end;
  }

  clear(): void {
    this.#buffer = undefined;
    this.bytes = 0;
  }
}
