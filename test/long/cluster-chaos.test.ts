/**
 * A cluster of three nodes over three nats-servers, and what may happen to any of them. Each run has one fault or two,
 * drawn by its seed.
 */
import { afterAll, expect, test } from 'vitest';
import { isNatsServerHere, natsServerVersion } from '../../src/tools/cluster/nats-servers.ts';
import { type ClusterFigures, tortureCluster } from '../support/cluster-cycles.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';

const RUNS_KEPT = 300;
const RUNS = Number(process.env.TALLY_TEST_CYCLES ?? 20);
const startedAt = new Date();
let found: ClusterFigures | undefined;

test.skipIf(!isNatsServerHere())(
  `tortured ${RUNS} times, a cluster does what it promises`,
  async () => {
    const figures = await tortureCluster({ runs: RUNS, onRun: sayTenths('runs', RUNS) });
    expect(figures).toMatchObject({ runs: RUNS, complaints: 0 });
    const { events, transfers, returned, insufficient, fresh, reads, resent, cuts } = figures;
    // The runs were what they are meant to be.
    const least = Math.min(events, transfers, returned, insufficient, fresh, reads, resent, cuts);
    expect(least).toBeGreaterThan(0);
    expect(figures.undecided).toBeLessThan(figures.histories / 100);
    if (RUNS >= RUNS_KEPT) {
      const { 'the disk of a nats-server full': full, ...others } = figures.faults;
      expect(Math.min(...Object.values(others))).toBeGreaterThan(0);
      if (figures.withoutDisk === 0) expect(full).toBeGreaterThan(0);
    }
    found = figures;
  },
  600_000 + RUNS * 120_000,
);

afterAll(() => {
  if (found === undefined || RUNS < RUNS_KEPT) return;
  const how = `three nodes and three nats-servers ${natsServerVersion()}, one fault or two in each run`;
  const { runs, faults, events, transfers, returned, insufficient, reads, fresh, unknown } = found;
  const { cuts, resent, repeats, histories, undecided, complaints } = found;
  const measures = [
    figure(how, 'runs', 'higher', runs),
    ...Object.entries(faults).map(([fault, count]) => figure(how, `runs with ${fault}`, 'higher', count)),
    figure(how, 'events applied', 'higher', events),
    figure(how, 'transfers done', 'higher', transfers),
    figure(how, 'transfers given back', 'higher', returned),
    figure(how, 'refused, as the balance was insufficient', 'higher', insufficient),
    figure(how, 'balances read', 'higher', reads),
    figure(how, 'fresh balances read', 'higher', fresh),
    figure(how, 'events of unknown fate', 'lower', unknown),
    figure(how, 'connections lost or left', 'higher', cuts),
    figure(how, 'sent again', 'higher', resent),
    figure(how, 'replies asked for again', 'higher', repeats),
    figure(how, 'histories of users searched for an order', 'higher', histories),
    figure(how, 'searches cut off', 'lower', undecided),
    figure(how, 'complaints', 'lower', complaints),
  ];
  keep(
    'cluster-chaos',
    'TALLY_TEST_CYCLES=300 npm run long -- test/long/cluster-chaos.test.ts',
    startedAt,
    measures,
  );
});
