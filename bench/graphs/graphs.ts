/** The graphs there are, in the order of the path. */
import { graph as coordinatedOmission } from './coordinated-omission.ts';
import type { Graph, GraphData } from './graph.ts';
import { graph as growing } from './growing.ts';
import { graph as greedyClient } from './lessons/greedy-client.ts';
import { throughput as overselling, tries as oversellingTries } from './lessons/overselling.ts';
import { graph as poison } from './lessons/poison.ts';
import { graph as slowStart } from './lessons/slow-start.ts';
import { graph as stampede } from './lessons/stampede.ts';
import { graph as stuck } from './lessons/stuck.ts';
import { graph as matrix } from './matrix.ts';
import { graph as bound } from './pains/bound.ts';
import { graph as counting } from './pains/counting.ts';
import { graph as ctrlC } from './pains/ctrl-c.ts';
import { graph as cuts } from './pains/cuts.ts';
import { graph as health } from './pains/health.ts';
import { graph as oneLock } from './pains/one-lock.ts';
import { graph as reads } from './pains/reads.ts';
import { graph as refusals } from './pains/refusals.ts';
import { graph as secondClient } from './pains/second-client.ts';
import { graph as sums } from './pains/sums.ts';
import { graph as timeToExit } from './pains/time-to-exit.ts';
import { graph as unread } from './pains/unread.ts';
import { graph as recovery } from './recovery.ts';

/** Each runs, checks and draws data of its own kind only. */
export const GRAPHS = [
  ...[secondClient, unread, cuts, health, refusals, bound, sums, oneLock, reads, counting, ctrlC, timeToExit],
  ...[slowStart, overselling, oversellingTries, greedyClient, stampede, poison, stuck],
  ...[matrix, coordinatedOmission, growing, recovery],
] as Graph<GraphData>[];
