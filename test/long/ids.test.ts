/**
 * A server that is killed about every second, and clients that send again what has no reply: 100,000 events and 20,000
 * transfers among 8 accounts, ten times.
 */
import { afterAll, expect, test } from 'vitest';
import { figure } from '../support/figure.ts';
import { type IdFigures, killWhileResending } from '../support/id-cycles.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';

const RUNS_KEPT = 10;
const RUNS = Number(process.env.TALLY_TEST_CYCLES ?? RUNS_KEPT);
const EVENTS = 100_000;
const TRANSFERS = 20_000;
const startedAt = new Date();
let found: IdFigures | undefined;

test(
  `killed ${RUNS} × about every second, every event and transfer counts once, and every balance is exact`,
  async () => {
    const figures = await killWhileResending({
      runs: RUNS,
      events: EVENTS,
      transfers: TRANSFERS,
      killMs: 1_000,
      onRun: sayTenths('runs', RUNS),
    });
    expect(figures).toMatchObject({
      runs: RUNS,
      decided: RUNS * (EVENTS + TRANSFERS),
      wrongReplies: 0,
      wrongRepeats: 0,
      wrongAccounts: 0,
      wrongSums: 0,
    });
    // The runs were what they are meant to be.
    expect(Math.min(figures.resent, figures.cuts, figures.insufficient)).toBeGreaterThan(0);
    if (RUNS >= RUNS_KEPT) expect(figures.withSnapshots).toBeGreaterThan(0);
    found = figures;
  },
  60_000 + RUNS * 300_000,
);

afterAll(() => {
  if (found === undefined || RUNS < RUNS_KEPT) return;
  const how = 'killed about every second';
  const measures = [
    figure(how, 'runs', 'higher', found.runs),
    figure(how, 'kills', 'higher', found.kills),
    figure(how, 'kills with a snapshot before them', 'higher', found.withSnapshots),
    figure(how, 'events and transfers decided', 'higher', found.decided),
    figure(how, 'transfers applied', 'higher', found.transfers),
    figure(how, 'refused, as the balance was insufficient', 'higher', found.insufficient),
    figure(how, 'sent again', 'higher', found.resent),
    figure(how, 'connections lost', 'higher', found.cuts),
    figure(how, 'replies asked for again', 'higher', found.repeats),
    figure(how, 'other replies than the first time', 'lower', found.wrongRepeats),
    figure(how, 'wrong replies', 'lower', found.wrongReplies),
    figure(how, 'accounts with a wrong balance', 'lower', found.wrongAccounts),
    figure(how, 'wrong sums of all accounts', 'lower', found.wrongSums),
  ];
  const command = `TALLY_TEST_CYCLES=${RUNS} npm run long -- test/long/ids.test.ts`;
  keep('id-cycles', command, startedAt, measures);
});
