/**
 * `{"type":"metrics"}`, and with `"detail":true` the whole snapshot.
 */
import type { Engine } from '../engine/engine.ts';
import type { Metrics } from '../metrics/snapshot.ts';
import type { Answer } from './command.ts';

export function metricsCommand(engine: Engine, answer: Answer): void {
  const { received, processed, dropped } = engine.counts();
  answer.line(`{"received":${received},"processed":${processed},"dropped":${dropped}}\n`);
}

/**
 * This is the most expensive reply, and a client may ask for it a thousand times in one chunk. So consecutive
 * requests get the same line.
 */
export class MetricsDetail {
  readonly #metrics: Metrics;
  #line = '';
  /** The count of events and invalid lines when the line was made; NaN if the line is no longer valid. */
  #linesThen = Number.NaN;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /** Invalidates the line: another, uncounted request was answered, or time has passed. */
  forget(): void {
    this.#linesThen = Number.NaN;
  }

  command(answer: Answer): void {
    const { countedLines } = this.#metrics;
    if (countedLines !== this.#linesThen) {
      this.#linesThen = countedLines;
      this.#line = `${JSON.stringify(this.#metrics.snapshot())}\n`;
    }
    answer.line(this.#line);
  }
}
