/**
 * The lines of one connection that have left and are not answered, in the order in which their replies come. Lines
 * that left together are a batch with one time; replies are matched with batches by counting.
 */

export interface Batch {
  /** Of its first line, among all that its client has sent, also on connections before; the others follow on. */
  number: number;
  count: number;
  /** When they should have left, and when they did, for the first time. */
  dueMs: number;
  sentMs: number;
  /** They had left before, and what came of that is not known. */
  isAgain: boolean;
}

/** A queue of batches in a ring, whose room is known: each has one line at least. */
export class UnderWay {
  lines = 0;
  readonly #mask: number;
  readonly #numbers: Float64Array;
  readonly #counts: Uint32Array;
  readonly #dueMs: Float64Array;
  readonly #sentMs: Float64Array;
  readonly #isAgain: Uint8Array;
  #first = 0;
  #end = 0;

  constructor(linesMax: number) {
    const batches = 2 ** Math.ceil(Math.log2(linesMax + 1));
    this.#mask = batches - 1;
    this.#numbers = new Float64Array(batches);
    this.#counts = new Uint32Array(batches);
    this.#dueMs = new Float64Array(batches);
    this.#sentMs = new Float64Array(batches);
    this.#isAgain = new Uint8Array(batches);
  }

  add(number: number, count: number, dueMs: number, sentMs: number, isAgain: boolean): void {
    const at = this.#end++ & this.#mask;
    this.#numbers[at] = number;
    this.#counts[at] = count;
    this.#dueMs[at] = dueMs;
    this.#sentMs[at] = sentMs;
    this.#isAgain[at] = isAgain ? 1 : 0;
    this.lines += count;
  }

  /** Of the first batch; 0 if there is none. */
  get count(): number {
    return this.lines === 0 ? 0 : this.#counts[this.#first & this.#mask]!;
  }

  // Of the first batch, too; there must be one.

  get number(): number {
    return this.#numbers[this.#first & this.#mask]!;
  }

  get dueMs(): number {
    return this.#dueMs[this.#first & this.#mask]!;
  }

  get sentMs(): number {
    return this.#sentMs[this.#first & this.#mask]!;
  }

  get isAgain(): boolean {
    return this.#isAgain[this.#first & this.#mask] === 1;
  }

  /** Removes `count` lines of it. */
  take(count: number): void {
    const at = this.#first & this.#mask;
    this.#numbers[at]! += count;
    this.#counts[at]! -= count;
    if (this.#counts[at] === 0) this.#first++;
    this.lines -= count;
  }

  clear(): void {
    this.#first = this.#end;
    this.lines = 0;
  }

  /** Lines that should have left at `fromMs` or later. */
  since(fromMs: number): number {
    let lines = 0;
    for (let batch = this.#first; batch !== this.#end; batch++) {
      const at = batch & this.#mask;
      if (this.#dueMs[at]! >= fromMs) lines += this.#counts[at]!;
    }
    return lines;
  }

  /** All of them, and leaves them where they are. */
  batches(): Batch[] {
    const batches: Batch[] = [];
    for (let batch = this.#first; batch !== this.#end; batch++) {
      const at = batch & this.#mask;
      batches.push({
        number: this.#numbers[at]!,
        count: this.#counts[at]!,
        dueMs: this.#dueMs[at]!,
        sentMs: this.#sentMs[at]!,
        isAgain: this.#isAgain[at] === 1,
      });
    }
    return batches;
  }
}
