/** A server with a journal, killed under load a thousand times; and fifty times with workers that die meanwhile. */
import { afterAll, expect, test } from 'vitest';
import { figure } from '../support/figure.ts';
import { type JournalFigures, killUnderLoad } from '../support/journal-cycles.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';

const CYCLES_KEPT = 1_000;
const CYCLES = Number(process.env.TALLY_TEST_CYCLES ?? CYCLES_KEPT);
const DEATH_CYCLES = Math.ceil(CYCLES / 20);
const startedAt = new Date();
const found = new Map<string, JournalFigures>();

test.each([
  ['killed', CYCLES, false],
  ['killed, with workers that die', DEATH_CYCLES, true],
] as const)(
  '%s under load, %i times, it has all that it acknowledged, and nothing else',
  async (how, cycles, hasDeaths) => {
    const onCycle = sayTenths(how, cycles);
    const figures = await killUnderLoad(cycles, { hasDeaths, onCycle });
    expect(figures).toMatchObject({ cycles, wrongUsers: 0, wrongReplies: 0 });
    // The cycles were what they are meant to be.
    if (CYCLES >= 100) {
      expect(figures.snapshots).toBeGreaterThan(0);
      if (hasDeaths) expect(figures.workerDeaths).toBeGreaterThan(0);
      else expect(figures.early).toBeGreaterThan(0);
    }
    found.set(how, figures);
  },
  60_000 + CYCLES * 15_000,
);

afterAll(() => {
  if (found.size < 2 || CYCLES < CYCLES_KEPT) return;
  const measures = [...found].flatMap(([how, figures]) => [
    figure(how, 'cycles', 'higher', figures.cycles),
    figure(how, 'killed while it started, too', 'higher', figures.early),
    figure(how, 'events acknowledged', 'higher', figures.acknowledged),
    figure(how, 'events that were in before they were acknowledged', 'higher', figures.unanswered),
    figure(how, 'users', 'higher', figures.users),
    figure(how, 'users with a wrong balance', 'lower', figures.wrongUsers),
    figure(how, 'wrong replies', 'lower', figures.wrongReplies),
    figure(how, 'snapshots under the load', 'higher', figures.snapshots),
    figure(how, 'cycles with such a snapshot', 'higher', figures.withSnapshots),
    figure(how, 'lanes that ended in a block that was not whole', 'higher', figures.torn),
    figure(how, 'events brought back from behind a snapshot', 'higher', figures.recovered),
    figure(how, 'deaths of workers', 'higher', figures.workerDeaths),
    figure(how, 'folders verified', 'higher', figures.verified),
  ]);
  keep('journal-cycles', 'npm run long -- test/long/journal.test.ts', startedAt, measures);
});
