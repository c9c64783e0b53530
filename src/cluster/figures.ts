/** What the link has counted, for metrics. */
import type { LinkFigures } from './messages.ts';

/** Upper bounds of the histogram of acknowledgements, in ms; behind the last one there is one more bucket. */
export const ACK_MS_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000] as const;

export class Counts {
  #sent = 0;
  #resent = 0;
  #stored = 0;
  #ackMs = 0;
  #reconnects = 0;
  readonly #buckets = new Array<number>(ACK_MS_BOUNDS.length + 1).fill(0);

  sent(isAgain: boolean): void {
    if (isAgain) this.#resent += 1;
    else this.#sent += 1;
  }

  stored(tookMs: number): void {
    this.#stored += 1;
    this.#ackMs += tookMs;
    const index = ACK_MS_BOUNDS.findIndex(bound => tookMs <= bound);
    this.#buckets[index < 0 ? ACK_MS_BOUNDS.length : index]! += 1;
  }

  reconnected(): void {
    this.#reconnects += 1;
  }

  figures(
    more: Pick<LinkFigures, 'lags' | 'server' | 'remade' | 'snapshotMs' | 'makesSnapshots'>,
  ): LinkFigures {
    return {
      sent: this.#sent,
      resent: this.#resent,
      stored: this.#stored,
      ackMs: this.#ackMs,
      ackBuckets: [...this.#buckets],
      reconnects: this.#reconnects,
      ...more,
    };
  }
}
