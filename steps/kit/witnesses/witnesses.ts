/** All witnesses, by the number of their pain. */
import type { Witness } from './witness.ts';

export const WITNESSES: readonly Witness[] = [];
