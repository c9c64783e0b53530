/** Work on many items with pauses in between: a large file must not hold up a server that reads it again. */

/** Some work on an item takes 10 to 20 µs. */
const ITEMS_AT_ONCE = 100;

/** Calls `take` with each item in order; every so many of them, whatever else waits in the event loop has its turn. */
export async function inTurns<Item>(items: readonly Item[], take: (item: Item) => void): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index % ITEMS_AT_ONCE === ITEMS_AT_ONCE - 1) await new Promise(setImmediate);
    take(item);
  }
}
