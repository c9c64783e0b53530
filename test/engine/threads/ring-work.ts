/**
 * What the two ends of the ring under stress agree on: what the nth event carries.
 */
export interface RingWork {
  buffer: SharedArrayBuffer;
  events: number;
  seed: number;
}

export const userAt = (event: number) => event & 0x7fffffff;
/** Half of them ask. */
export const askAt = (event: number) => event & 2 && event;
/** Half of them lie beside the ring, so with and without an ask the four shapes of a slot come in turn. */
export const amountAt = (event: number) => ((event & 1) === 0 ? event - 100_000 : event * 1_000_003 + 0.5);
