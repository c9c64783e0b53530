import { describe, expect, test } from 'vitest';
import { live } from './life.ts';

describe('a journal on a disk that lies', () => {
  /** Each is a life of four starts. A failure names its seed: FIRST=seed SEEDS=1 runs it alone. */
  const SEEDS = Number(process.env.SEEDS ?? 100);
  const FIRST = Number(process.env.FIRST ?? 1);
  test(
    `nothing that was acknowledged is lost, and nothing comes from nowhere, in ${SEEDS} runs`,
    () => {
      const all = { deaths: 0, crashes: 0, closed: 0, snapshots: 0, refusals: 0 };
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        let seen: typeof all;
        try {
          seen = live(seed);
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
        }
        for (const key of Object.keys(all) as (keyof typeof all)[]) all[key] += seen[key];
      }
      if (SEEDS < 50) return;
      expect(all.deaths).toBeGreaterThan(0);
      expect(all.crashes).toBeGreaterThan(0);
      expect(all.closed).toBeGreaterThan(0);
      expect(all.snapshots).toBeGreaterThan(0);
    },
    Math.max(120_000, SEEDS * 500),
  );
});
