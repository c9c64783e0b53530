/** What `tally cluster status` prints: for people tables, for machines one object. */
import { columnsOf, padded } from '../../cli/terminal/drawing.ts';
import { count, duration } from '../../cli/terminal/numbers.ts';
import type { ClusterSeen, NodeSeen, StreamSeen } from './looking.ts';

const GAP = '  ';

export function statusText(seen: ClusterSeen, problems: readonly string[]): string {
  const { name, constitution: made } = seen;
  const head = `cluster ${name}: ${made.partitions} partitions, ${count(made.users)} users, ${count(made.idsMax)} ids for ${duration(made.idsMs)}, format ${made.version}`;
  return [
    head,
    ...tableOf([['node', 'state', 'starts', 'process', 'version', 'since'], ...seen.nodes.map(nodeRow)], [2]),
    ...tableOf([STREAM_HEAD, ...seen.streams.map(streamRow)], [2, 3, 4, 5, 6]),
    '',
    snapshotLine(seen),
    ...problems.map(problem => `! ${problem}`),
    '',
  ].join('\n');
}

export function statusJson(seen: ClusterSeen, problems: readonly string[]): object {
  const { name, constitution, nodes, streams, newest, behind } = seen;
  const { id, version, partitions, users, idsMax, idsMs } = constitution;
  return {
    cluster: name,
    constitution: { id, version, partitions, users, ids_max: idsMax, ids_ms: idsMs },
    nodes: nodes.map(({ sinceMs, quietMs, ...node }) => ({
      ...node,
      since: new Date(sinceMs).toISOString(),
      quiet_ms: quietMs,
    })),
    streams: streams.map(({ leader, ...stream }) => ({ ...stream, leader: leader ?? null })),
    snapshot:
      newest === undefined
        ? null
        : {
            age_ms: newest.ageMs,
            bytes: newest.bytes,
            node: newest.node,
            sequences: newest.sequences,
            behind,
          },
    problems,
  };
}

function nodeRow({ name, state, epoch, pid, host, version, sinceMs, quietMs }: NodeSeen): string[] {
  const isQuiet = state !== 'running';
  return [
    name,
    isQuiet ? `${state} for ${duration(quietMs)}` : state,
    count(epoch),
    `${pid} on ${host}`,
    version,
    new Date(sinceMs).toISOString(),
  ];
}

const STREAM_HEAD = ['stream', 'leader', 'up to date', 'blocks', 'bytes', 'first', 'last'];

function streamRow({ name, leader, replicas, current, blocks, bytes, first, last }: StreamSeen): string[] {
  const figures = leader === undefined ? ['–', '–', '–', '–'] : [blocks, bytes, first, last].map(count);
  return [name, leader ?? 'none', `${current} of ${replicas}`, ...figures];
}

function snapshotLine({ newest, behind }: ClusterSeen): string {
  if (newest === undefined) return `snapshot: none yet; ${count(behind)} blocks`;
  const { ageMs, bytes, node } = newest;
  return `snapshot: ${duration(ageMs)} old, ${count(bytes)} bytes, made by ${node}; ${count(behind)} blocks are behind it`;
}

/** With an empty line before it. `right`: the columns of figures. */
function tableOf(rows: readonly string[][], right: readonly number[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => columnsOf(row[column]!))));
  const lines = rows.map(row =>
    row
      .map((text, column) => {
        const width = widths[column]!;
        return right.includes(column) ? ' '.repeat(width - columnsOf(text)) + text : padded(text, width);
      })
      .join(GAP)
      .trimEnd(),
  );
  return ['', ...lines, ...(rows.length === 1 ? ['none'] : [])];
}
