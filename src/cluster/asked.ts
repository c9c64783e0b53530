/** A reply that waits for what becomes of a record. */
import { Position } from '../engine/position.ts';
import type { Waiting } from './waiting.ts';

/** A reply that is the balance after a record, or a refusal. */
export class Asked extends Position implements Waiting {
  readonly record: number;

  constructor(record: number) {
    super(0);
    this.record = record;
  }

  decided(answer: number): void {
    this.reach(answer);
  }
}
