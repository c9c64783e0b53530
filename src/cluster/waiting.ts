/** Who waits for what becomes of a node's own records. */

/** Waits for what becomes of one record of a block: its balance, or a refusal (engine/deciding.ts). */
export interface Waiting {
  readonly record: number;
  decided(answer: number): void;
}

export const NOBODY_WAITS: readonly Waiting[] = [];
