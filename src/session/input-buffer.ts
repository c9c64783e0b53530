/**
 * Bytes of a client that were received and not served yet. The buffer grows by doubling, so appending single bytes
 * takes amortised constant time; an empty one holds no memory.
 */
const BYTES_MIN = 256;
const SPARE_BYTES_MAX = 4_194_304;

/**
 * Reuses large blocks: one that waits for a turn lives long enough to be promoted to the old generation, where only a
 * full collection frees it.
 */
export class BlockPool {
  /** Unused blocks, by the logarithm of their size. */
  readonly #spares: Buffer[][] = Array.from({ length: 32 }, () => []);
  #spareBytes = 0;

  /** Returns a block of at least `needed` bytes (more than 0); its size is a power of two. */
  take(needed: number): Buffer {
    const log = 32 - Math.clz32(Math.max(BYTES_MIN, needed) - 1);
    const spare = this.#spares[log]!.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(2 ** log);
    this.#spareBytes -= spare.length;
    return spare;
  }

  giveBack(block: Buffer): void {
    if (this.#spareBytes + block.length > SPARE_BYTES_MAX) return;
    this.#spares[31 - Math.clz32(block.length)]!.push(block);
    this.#spareBytes += block.length;
  }
}

export class InputBuffer {
  readonly #pool: BlockPool;
  #block: Buffer | undefined;
  bytes = 0;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  append(bytes: Uint8Array): void {
    const needed = this.bytes + bytes.length;
    const before = this.#block;
    if (before === undefined || before.length < needed) {
      this.#block = this.#pool.take(needed);
      if (before !== undefined) {
        before.copy(this.#block, 0, 0, this.bytes);
        this.#pool.giveBack(before);
      }
    }
    this.#block!.set(bytes, this.bytes);
    this.bytes = needed;
  }

  /** Moves all bytes into `target` at `at`. */
  moveTo(target: Uint8Array, at: number): void {
    if (this.#block === undefined) return;
    target.set(this.#block.subarray(0, this.bytes), at);
    this.clear();
  }

  clear(): void {
    if (this.#block !== undefined) this.#pool.giveBack(this.#block);
    this.#block = undefined;
    this.bytes = 0;
  }
}
