/**
 * The streams, one for each partition: made if they are missing, and otherwise checked: none may lose a block by
 * itself, and all have the replicas that were asked for.
 */
import {
  DiscardPolicy,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import { streamOf, subjectOf } from './names.ts';
import { patiently, patientlyNew } from './patience.ts';
import { isNameInUse, isNoStream, Refusal, refusalOf } from './refusal.ts';

/** Within it, a block that is sent again is not stored again. */
const REPEATS_MS = 120_000;
const REQUEST_MS_MAX = 5_000;
/** While it starts: servers that start too may still have no leader. */
const PATIENCE_MS = 20_000;
/** The server has no JetStream itself; another one of its cluster may. */
const PATIENCE_OFF_MS = 500;
/** For the first node to make the streams. */
const FIRST_MS_MAX = 8_000;
const LOOK_MS = 100;
/** Beside the block itself: headers, and what the server adds to a message. */
const MESSAGE_BYTES_MORE = 1_024;

export interface StreamsWanted {
  readonly cluster: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly blockBytesMax: number;
  /** This node has made the cluster. */
  readonly isFirst: boolean;
}

export interface Stream {
  readonly name: string;
  readonly subject: string;
  /** When it was made: another time is another stream of the same name. */
  readonly created: string;
  readonly first: number;
  /** Of the last block; 0: none. */
  readonly last: number;
}

/** Throws a `Refusal` where JetStream is off, or can't take blocks of this size. */
export async function openJetStream(nats: NatsConnection, blockBytesMax: number): Promise<JetStreamManager> {
  const manager = await jetstreamManager(nats, { timeout: REQUEST_MS_MAX, checkAPI: false });
  try {
    const hasJetStream = nats.info!.jetstream === true;
    await patiently(() => manager.getAccountInfo(), hasJetStream ? PATIENCE_MS : PATIENCE_OFF_MS);
  } catch (error) {
    throw refusalOf(error, 'use JetStream', 1);
  }
  const bytesMax = nats.info!.max_payload;
  if (bytesMax < blockBytesMax + MESSAGE_BYTES_MORE)
    throw new Refusal(
      `the nats-server takes messages of ${bytesMax} bytes at most, and ${blockBytesMax + MESSAGE_BYTES_MORE} are needed; raise max_payload in its configuration`,
    );
  return manager;
}

/** By partition. */
export async function openStreams(manager: JetStreamManager, wanted: StreamsWanted): Promise<Stream[]> {
  const partitions = Array.from({ length: wanted.partitions }, (_, partition) => partition);
  return Promise.all(partitions.map(partition => openStream(manager, wanted, partition)));
}

export async function lookAt(manager: JetStreamManager, name: string, subject: string): Promise<Stream> {
  return streamIn(await manager.streams.info(name), subject);
}

/** Whether somebody has stored blocks of a cluster of this name. */
export async function hasBlocks(manager: JetStreamManager, cluster: string): Promise<boolean> {
  try {
    return (await manager.streams.info(streamOf(cluster, 0))).state.last_seq > 0;
  } catch (error) {
    if (isNoStream(error)) return false;
    throw error;
  }
}

async function openStream(
  manager: JetStreamManager,
  wanted: StreamsWanted,
  partition: number,
): Promise<Stream> {
  const name = streamOf(wanted.cluster, partition);
  const subject = subjectOf(wanted.cluster, partition);
  const config = configOf(name, subject, wanted.replicas);
  try {
    const info = await patientlyNew(() => infoOrMade(manager, config, wanted.isFirst), PATIENCE_MS);
    const mistake = mistakeIn(info.config, config, wanted.blockBytesMax);
    if (mistake !== undefined) throw new Refusal(mistake);
    return streamIn(info, subject);
  } catch (error) {
    throw refusalOf(error, `make the stream ${name}`, wanted.replicas);
  }
}

/**
 * The node that has made the cluster makes the streams, too: of two requests at the same moment, the later one would
 * change when the stream was made. The others wait for it, for a while.
 */
async function infoOrMade(
  manager: JetStreamManager,
  config: WantedConfig,
  isFirst: boolean,
): Promise<StreamInfo> {
  const waitUntilMs = performance.now() + (isFirst ? 0 : FIRST_MS_MAX);
  for (;;) {
    try {
      return await manager.streams.info(config.name);
    } catch (error) {
      if (!isNoStream(error)) throw error;
    }
    if (performance.now() >= waitUntilMs) break;
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
  try {
    return await manager.streams.add(config);
  } catch (error) {
    // Another node makes it at the same moment.
    if (isNameInUse(error)) return manager.streams.info(config.name);
    throw error;
  }
}

type WantedConfig = Partial<StreamConfig> &
  Pick<StreamConfig, 'name' | 'subjects' | 'num_replicas' | 'storage' | 'retention' | 'duplicate_window'>;

function configOf(name: string, subject: string, replicas: number): WantedConfig {
  return {
    name,
    subjects: [subject],
    num_replicas: replicas,
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    duplicate_window: nanos(REPEATS_MS),
    max_age: 0,
    max_msgs: -1,
    max_bytes: -1,
    max_msgs_per_subject: -1,
    max_msg_size: -1,
    // Read while there is no consumer.
    allow_direct: true,
  };
}

/** The first thing in which a stream differs so that blocks might be lost. A limit at which it takes no more is none. */
function mistakeIn(has: StreamConfig, wanted: WantedConfig, blockBytesMax: number): string | undefined {
  const stream = `the stream ${wanted.name}`;
  const edit = `nats stream edit ${wanted.name}`;
  if (has.num_replicas !== wanted.num_replicas)
    return `${stream} has ${has.num_replicas} replicas, and the cluster has ${wanted.num_replicas}; change it (${edit} --replicas ${wanted.num_replicas})`;
  if (has.subjects?.length !== 1 || has.subjects[0] !== wanted.subjects[0])
    return `${stream} stores ${has.subjects?.join(', ') || 'nothing'}, and not ${wanted.subjects[0]}; it belongs to something else: give another --cluster-name`;
  if (has.storage !== wanted.storage)
    return `${stream} is in memory, and would be lost with its servers; delete it, so that it is made on disk`;
  if (has.retention !== wanted.retention)
    return `${stream} keeps blocks only until they are read (retention ${has.retention}); delete it, so that it is made anew`;
  if (has.max_age > 0) return `${stream} drops blocks by their age; lift it (${edit} --max-age=-1)`;
  if (has.max_msgs_per_subject > 0)
    return `${stream} keeps ${has.max_msgs_per_subject} blocks only; lift it (${edit} --max-msgs-per-subject=-1)`;
  const isLimited = has.max_msgs > 0 || has.max_bytes > 0;
  if (isLimited && has.discard !== DiscardPolicy.New)
    return `${stream} drops old blocks when it is full; let it refuse new ones (${edit} --discard=new)`;
  if (has.max_msg_size > 0 && has.max_msg_size < blockBytesMax + MESSAGE_BYTES_MORE)
    return `${stream} takes blocks of ${has.max_msg_size} bytes at most; lift it (${edit} --max-msg-size=-1)`;
  if (has.duplicate_window < wanted.duplicate_window)
    return `${stream} finds repeats within ${has.duplicate_window / 1e9} s only; raise it (${edit} --dupe-window=2m)`;
  return undefined;
}

function streamIn({ config, created, state }: StreamInfo, subject: string): Stream {
  return { name: config.name, subject, created, first: state.first_seq, last: state.last_seq };
}
