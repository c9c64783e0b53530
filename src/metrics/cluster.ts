/**
 * The metrics of a node of a cluster: on the wire under `cluster`, and for Prometheus. A server alone has none of them.
 */
import type { ClusterDetail } from '../cluster/cluster.ts';
import type { Field } from './fields.ts';

/** Of each field but the histogram. Lists are by partition. */
export const CLUSTER_FIELDS: { readonly [Key in Exclude<keyof ClusterDetail, 'ack_times'>]: Field } = {
  up: { name: 'cluster_up', kind: 'gauge', help: '1 while blocks can be stored, as far as is known.' },
  lags: {
    name: 'cluster_lag_blocks',
    kind: 'gauge',
    help: 'Blocks of the stream that are not applied here yet, by partition.',
    label: 'partition',
  },
  sequences: {
    name: 'cluster_applied_sequence',
    kind: 'gauge',
    help: 'The last sequence of the stream that is applied here, by partition.',
    label: 'partition',
  },
  blocks_under_way: {
    name: 'cluster_blocks_under_way',
    kind: 'gauge',
    help: 'Blocks of this node that are sent and not applied here yet.',
  },
  blocks_sent: {
    name: 'cluster_blocks_sent_total',
    kind: 'counter',
    help: 'Blocks that this node has sent.',
  },
  blocks_resent: {
    name: 'cluster_blocks_resent_total',
    kind: 'counter',
    help: 'Times that a block was sent again, because no acknowledgement came.',
  },
  blocks_stored: {
    name: 'cluster_blocks_stored_total',
    kind: 'counter',
    help: 'Blocks of this node that a majority has.',
  },
  events_sent: {
    name: 'cluster_events_sent_total',
    kind: 'counter',
    help: 'Events in the blocks that this node has sent; by the blocks, how many share one.',
  },
  ack_ms: {
    kind: 'counter',
    help: 'Milliseconds until all blocks were stored; for Prometheus it is the sum of the histogram.',
  },
  reconnects: {
    name: 'cluster_reconnects_total',
    kind: 'counter',
    help: 'Times that the connection to NATS was lost and made again.',
  },
  consumers_remade: {
    name: 'cluster_consumers_remade_total',
    kind: 'counter',
    help: 'Times that the reading of a stream had to begin anew behind what had been read.',
  },
  snapshot_age_ms: {
    name: 'cluster_snapshot_age_seconds',
    kind: 'gauge',
    help: 'Since the newest snapshot of the cluster; -1 millisecond: there is none, as far as is known.',
    divisor: 1_000,
  },
  makes_snapshots: {
    name: 'cluster_makes_snapshots',
    kind: 'gauge',
    help: '1 while this node is the one that makes the snapshots.',
  },
};

export const ACK_TIMES = {
  name: 'cluster_ack_seconds',
  help: 'From when a block was sent until a majority had it.',
};
