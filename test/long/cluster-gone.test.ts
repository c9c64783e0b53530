/**
 * What clients notice when a part of the cluster goes: a node (ten times), and the leader of a stream of JetStream (fifty
 * times, with an election of its own).
 */
import { afterAll, describe, expect, test } from 'vitest';
import { isNatsServerHere } from '../../src/tools/cluster/nats-servers.ts';
import { figure } from '../support/figure.ts';
import { type GoneFigures, loseLeaders, loseNodes } from '../support/gone-cycles.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';

const LEADERS_KEPT = 50;
const LEADERS = Number(process.env.TALLY_TEST_CYCLES ?? LEADERS_KEPT);
const NODES = Math.ceil(LEADERS / 5);
const ROUND_MS_MAX = 120_000;
const ADDED_MS_MAX = 250;
const startedAt = new Date();
const found: { nodes?: GoneFigures; leaders?: GoneFigures } = {};

describe.skipIf(!isNatsServerHere())('a cluster', () => {
  test(
    `that loses a node ${NODES} times: the clients of the others see no error`,
    async () => {
      const figures = await loseNodes(NODES, sayTenths('nodes', NODES));
      expect(figures).toMatchObject({ rounds: NODES, errors: 0, wrongUsers: 0 });
      found.nodes = figures;
    },
    60_000 + NODES * ROUND_MS_MAX,
  );

  test(
    `that loses the leader of a stream ${LEADERS} times: nothing acknowledged is lost, and reads go on`,
    async () => {
      const figures = await loseLeaders(LEADERS, sayTenths('leaders', LEADERS));
      expect(figures).toMatchObject({ rounds: LEADERS, errors: 0, wrongUsers: 0 });
      // The leader was one: something did stop.
      expect(figures.stopped).toBeGreaterThan(0);
      // What we add to an election: a block is sent again when NATS tells of a new leader.
      const added = figures.stops.map((stopMs, round) => stopMs - figures.elections[round]!);
      expect(middle(added)).toBeLessThan(ADDED_MS_MAX);
      found.leaders = figures;
    },
    60_000 + LEADERS * ROUND_MS_MAX,
  );
});

const sorted = (values: readonly number[]) => [...values].sort((one, other) => one - other);
const middle = (values: readonly number[]) => sorted(values)[Math.floor(values.length / 2)]!;

function measuresOf(how: string, figures: GoneFigures) {
  return [
    figure(how, 'times', 'higher', figures.rounds),
    figure(how, 'events acknowledged', 'higher', figures.acknowledged),
    figure(how, 'errors that clients of others saw', 'lower', figures.errors),
    figure(how, 'users with a wrong balance', 'lower', figures.wrongUsers),
    figure(how, 'ms without an acknowledgement, median', 'lower', middle(figures.stops)),
    figure(how, 'ms without an acknowledgement, longest', 'lower', Math.max(...figures.stops)),
    ...(Math.max(...figures.elections) > 0
      ? [
          figure(how, 'ms until NATS has elected all leaders, median', 'lower', middle(figures.elections)),
          figure(
            how,
            'ms until NATS has elected all leaders, longest',
            'lower',
            Math.max(...figures.elections),
          ),
        ]
      : []),
    figure(
      how,
      '% of connections that stopped',
      'lower',
      (100 * figures.stopped) / (figures.stopped + figures.unstopped),
    ),
    figure(how, 'ms, p99 in the worst second, median', 'lower', middle(figures.worstP99s)),
    figure(how, 'ms, p99 in the worst second, longest', 'lower', Math.max(...figures.worstP99s)),
    figure(how, 'ms for a read, slowest', 'lower', Math.max(...figures.slowestReads)),
  ];
}

afterAll(() => {
  const { nodes, leaders } = found;
  if (nodes === undefined || leaders === undefined || LEADERS < LEADERS_KEPT) return;
  keep('cluster-gone', 'npm run long -- test/long/cluster-gone.test.ts', startedAt, [
    ...measuresOf('a node was killed', nodes),
    ...measuresOf('the leader of a stream was killed', leaders),
  ]);
});
