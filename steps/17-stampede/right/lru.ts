/** A table with room for so many: the one that was not used for longest goes first. */
export class Lru<Value> {
  readonly #max: number;
  /** A Map knows in which order its keys were set. */
  readonly #values = new Map<string, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > this.#max) this.#values.delete(oldest!);
  }

  delete(key: string): void {
    this.#values.delete(key);
  }
}
