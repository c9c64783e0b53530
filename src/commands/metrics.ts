/**
 * `{"type":"metrics"}`, and with `"detail":true` the whole snapshot.
 */
import type { Intake } from '../engine/intake.ts';
import type { Metrics } from '../metrics/snapshot.ts';
import type { Answer } from './command.ts';

export function metricsCommand(engine: Intake, answer: Answer): void {
  const { received, processed, dropped } = engine.counts();
  answer.line(`{"received":${received},"processed":${processed},"dropped":${dropped}}\n`);
}

/**
 * This is the most expensive reply, and a client may ask for it a thousand times in one chunk. So consecutive
 * requests get the same line.
 */
export class MetricsDetail {
  readonly #metrics: Metrics;
  /** Set when a request that is not counted was answered, or time has passed. */
  isStale = true;
  #line = '';
  /** How many events and invalid lines there were when the line was made. */
  #linesThen = 0;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  command(answer: Answer): void {
    const { countedLines } = this.#metrics;
    if (this.isStale || countedLines !== this.#linesThen) {
      this.isStale = false;
      this.#linesThen = countedLines;
      this.#line = `${JSON.stringify(this.#metrics.snapshot())}\n`;
    }
    answer.line(this.#line);
  }
}
