/** Every pain on every step, repeatedly, also on busy cores: is every verdict right? */
import type { Bench, Size } from './bench.ts';
import { type Circumstance, CORES, repeated } from './verdicts.ts';

const CIRCUMSTANCES: Circumstance[] = [
  { condition: 'alone', times: { small: 1, full: 20 }, busy: 0, isPinned: false },
  { condition: 'all cores busy', times: { small: 0, full: 1 }, busy: CORES, isPinned: false },
  { condition: 'on one core', times: { small: 0, full: 1 }, busy: 0, isPinned: true },
  { condition: 'on one core that is busy', times: { small: 0, full: 1 }, busy: 1, isPinned: true },
];
const PAINS: Record<Size, string[]> = { small: ['8'], full: [] };
/** Which figure of a pain's evidence is kept, and its unit. */
const FIGURES: Record<number, [name: string, unit: string]> = {
  1: ['secondWaitedMs', 'ms that the second client waited'],
  2: ['unreadMiB', 'MiB kept for a client that does not read'],
  3: ['refused', 'of 1,000 split events refused'],
  4: ['healthP99Ms', 'ms, p99 of health beside a flood'],
  5: ['refused', 'of 250 events refused'],
  6: ['lost', 'of 320 updates lost'],
  7: ['ratio', 'times as much with 8 workers as with 1'],
  8: ['processed', 'of 100 events counted'],
  9: ['lost', 'of 300 accepted events lost'],
  10: ['elapsedMs', 'ms from Ctrl+C to the end, at most 10,000'],
};

const BETTER_HIGHER = new Set([7, 8]);

export const bench: Bench = {
  name: 'pains',
  about: 'Every pain on every step, 20 times, then on busy cores and on one: is every verdict right?',
  run: (size, say) =>
    repeated(
      CIRCUMSTANCES,
      size,
      [PAINS[size]],
      1,
      ({ pain, step }) => {
        const [figure, unit] = FIGURES[pain]!;
        const better = BETTER_HIGHER.has(pain) ? 'higher' : 'lower';
        const subject = `pain ${pain}, ${step === 'src' ? step : `step ${step}`}`;
        return { subject, figure, unit, better };
      },
      say,
    ),
};
