/** The line that moves while a run is under way, on a terminal only. */

import { count, duration, ms } from '../../cli/terminal/numbers.ts';
import type { Progress } from './run.ts';

const BAR_WIDTH = 20;

export function progressLine(progress: Progress): string {
  const { elapsedMs, durationMs, answered, busy, errors, last } = progress;
  if (elapsedMs < 0) return 'warming up …';
  const share = durationMs === undefined ? 0 : Math.min(1, elapsedMs / durationMs);
  const done = Math.round(share * BAR_WIDTH);
  const bar = durationMs === undefined ? '' : `[${'#'.repeat(done)}${'·'.repeat(BAR_WIDTH - done)}] `;
  const time = `${(elapsedMs / 1_000).toFixed(0)}${durationMs === undefined ? '' : ` of ${duration(durationMs)}`}`;
  const latency =
    last === undefined || last.p50Ms === null || last.p99Ms === null
      ? `${count(answered)} replies`
      : `${count(last.ratePerS)}/s  p50 ${ms(last.p50Ms)}  p99 ${ms(last.p99Ms)} ms`;
  return `${bar}${time}  ${latency}  busy ${count(busy)}  errors ${count(errors)}`;
}
