/**
 * Bytes of a connection that were received and not served yet. Grows by doubling, so bytes that come one by
 * one are not copied again and again; an empty one holds no memory.
 *
 * Large blocks are used again: one that waits for its turn lives long enough to be taken for old, and what is old and
 * thrown away is only found by a full collection.
 */
const BYTES_MIN = 256;
const LARGE_BYTES = 16_384;
const SPARE_BYTES_MAX = 4_194_304;

/** Large blocks that nobody uses, by the logarithm of their size. */
const spares: Buffer[][] = Array.from({ length: 32 }, () => []);
let spareBytes = 0;

/** Of at least so many bytes, which is not 0: a power of two. */
function takeBlock(needed: number): Buffer {
  const log = 32 - Math.clz32(Math.max(BYTES_MIN, needed) - 1);
  const spare = spares[log]!.pop();
  if (spare === undefined) return Buffer.allocUnsafeSlow(2 ** log);
  spareBytes -= spare.length;
  return spare;
}

function giveBack(block: Buffer): void {
  if (block.length < LARGE_BYTES || spareBytes + block.length > SPARE_BYTES_MAX) return;
  spares[31 - Math.clz32(block.length)]!.push(block);
  spareBytes += block.length;
}

export class Rest {
  #block: Buffer | undefined;
  bytes = 0;

  append(bytes: Uint8Array): void {
    const needed = this.bytes + bytes.length;
    const before = this.#block;
    if (before === undefined || before.length < needed) {
      this.#block = takeBlock(needed);
      if (before !== undefined) {
        before.copy(this.#block, 0, 0, this.bytes);
        giveBack(before);
      }
    }
    this.#block!.set(bytes, this.bytes);
    this.bytes = needed;
  }

  /** Empties into `target` at `at`; returns where the bytes end there. */
  moveTo(target: Uint8Array, at: number): number {
    if (this.#block === undefined) return at;
    target.set(this.#block.subarray(0, this.bytes), at);
    const end = at + this.bytes;
    this.clear();
    return end;
  }

  clear(): void {
    if (this.#block !== undefined) giveBack(this.#block);
    this.#block = undefined;
    this.bytes = 0;
  }
}
