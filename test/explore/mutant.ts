/** A mistake that is planted into the compiled modules, and the scenario that must go wrong with it. */
export interface Mutant {
  what: string;
  /** Under dist, without `.js`. */
  file: string;
  text: string;
  becomes: string;
  scenario: string;
  /** Takes minutes to be found: for `npm run long`. */
  isLong?: boolean;
}

export const inFile = (file: string, mutants: Omit<Mutant, 'file'>[]): Mutant[] =>
  mutants.map(mutant => ({ file, ...mutant }));
