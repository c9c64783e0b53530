/** Runs so many at a time; the others wait for their turn. */
export function slots(count: number) {
  const waiting: (() => void)[] = [];
  let free = count;
  return async <Value>(work: () => Promise<Value>): Promise<Value> => {
    if (free > 0) free -= 1;
    else await new Promise<void>(resolve => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Whoever waits gets this one.
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
