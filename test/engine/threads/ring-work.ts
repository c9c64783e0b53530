/**
 * What the two ends of the ring under stress agree on: what the nth event carries.
 */
export interface RingWork {
  buffer: SharedArrayBuffer;
  events: number;
  seed: number;
}

export const userAt = (event: number) => event | 0;
export const askAt = (event: number) => ~event;
export const amountAt = (event: number) => event * 1_000_003 + 0.5;
