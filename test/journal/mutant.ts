/** A mistake that is planted into the sources of a journal, and what must find it. */
export interface Mutant {
  what: string;
  /** Under src, without `.ts`. */
  file: string;
  /** Each text must be there exactly once, so that a mutant can't quietly stop being one. */
  changes: readonly (readonly [text: string, becomes: string])[];
  /** Lives on a disk that lies, a small journal that is damaged, or a disk that fills up. */
  check: Check;
  /** The life, the file or the disk with which the check begins, because it has been seen to find the mistake. */
  first: number;
}

type Check = 'lives' | 'damage' | 'full';
type Planted = [
  what: string,
  check: Check | readonly [Check, first: number],
  ...changes: (readonly [string, string])[],
];

export const inFile = (file: string, planted: Planted[]): Mutant[] =>
  planted.map(([what, how, ...changes]) => {
    const [check, first] = typeof how === 'string' ? [how, 1] : how;
    return { what, file, check, first, changes };
  });
