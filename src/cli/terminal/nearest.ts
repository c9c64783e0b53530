/** What was meant by a name that is not there: another name with a slip in it, or with more or fewer words. */

/** ` (--port?)`, to be put behind the name; empty if no known name is near. */
export function orNearest(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : ` (${near}?)`;
}

export function nearest(name: string, known: readonly string[]): string | undefined {
  const differing = known.map(one => ({ one, letters: distance(name, one) }));
  const [least] = differing.sort((a, b) => a.letters - b.letters);
  if (least !== undefined && least.letters <= lettersMax(name)) return least.one;
  const [long, short] = [
    known.filter(one => one.includes(bare(name))),
    known.filter(one => name.startsWith(one)),
  ];
  return bare(name).length < 3 ? undefined : (long[0] ?? short.at(-1));
}

/** A third of the letters may differ. */
function lettersMax(name: string): number {
  return Math.max(1, Math.floor(bare(name).length / 3));
}

/** Without what all flags, or all variables, begin with. */
function bare(name: string): string {
  return name.replace(/^-+|^TALLY_/, '');
}

/**
 * How many letters were left out, added, changed, or exchanged with the next one; capitals are the same. (The optimal
 * string alignment distance.)
 */
function distance(one: string, other: string): number {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 0; i < a.length; i += 1) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const isExchanged = a[i] === b[j - 1] && a[i - 1] === b[j];
      row.push(
        Math.min(
          row[j]! + 1,
          last[j + 1]! + 1,
          last[j]! + (a[i] === b[j] ? 0 : 1),
          isExchanged ? beforeLast[j - 1]! + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [beforeLast, last] = [last, row];
  }
  return last.at(-1)!;
}
