/**
 * What a decent client does first: each event is a message, published with the same library to a stream with three
 * replicas, and is done when it is acknowledged.
 */
import { type JetStreamManager, jetstream, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { Figure } from '../rounds.ts';

const STREAM = 'EACH';
const SUBJECT = 'each';
const ACK_MS_MAX = 30_000;

/** Keeps so many events under way. Throws if the stream does not hold as many as were acknowledged. */
export async function publishEach(
  urls: readonly string[],
  manager: JetStreamManager,
  underWay: number,
  warmupMs: number,
  measuredMs: number,
): Promise<Figure[]> {
  await manager.streams.add({
    ...{ name: STREAM, subjects: [SUBJECT], num_replicas: 3 },
    ...{ storage: StorageType.File, retention: RetentionPolicy.Limits },
  });
  const connection = await connect({ servers: [...urls] });
  try {
    const stream = jetstream(connection);
    const event = new TextEncoder().encode('{"user":"u1234","action":"buy","amount":50}');
    const startMs = performance.now();
    const [fromMs, toMs] = [startMs + warmupMs, startMs + warmupMs + measuredMs];
    let acknowledged = 0;
    let measured = 0;
    const publish = async () => {
      while (performance.now() < toMs) {
        await stream.publish(SUBJECT, event, { timeout: ACK_MS_MAX });
        acknowledged += 1;
        const nowMs = performance.now();
        if (nowMs >= fromMs && nowMs < toMs) measured += 1;
      }
    };
    await Promise.all(Array.from({ length: underWay }, publish));
    const { state } = await manager.streams.info(STREAM);
    if (state.last_seq !== acknowledged)
      throw new Error(`the stream has ${state.last_seq} messages, and ${acknowledged} were acknowledged`);
    return [{ unit: 'events/s', better: 'higher', value: (measured * 1_000) / measuredMs }];
  } finally {
    await connection.close();
    await manager.streams.delete(STREAM);
  }
}
