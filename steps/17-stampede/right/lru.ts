/** A table that is never too large: what was not used for longest goes. A Map knows the order in which keys were set. */
const ENTRIES_MAX = 10_000;

export class Lru<Value> extends Map<string, Value> {
  override get(key: string): Value | undefined {
    const value = super.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  override set(key: string, value: Value): this {
    this.delete(key);
    if (this.size === ENTRIES_MAX) this.delete(this.keys().next().value!);
    return super.set(key, value);
  }
}
