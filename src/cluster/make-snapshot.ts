/**
 * Makes a snapshot of the cluster from the last one and the streams, and then has the streams purged of what the older
 * of the two kept snapshots has in it.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { Bucket } from './bucket.ts';
import { openConnection } from './connection.ts';
import { Intake } from './intake.ts';
import type { LinkStart } from './link-options.ts';
import { Machine } from './machine.ts';
import type { Constitution, Stored } from './messages.ts';
import { streamOf, subjectOf } from './names.ts';
import { patiently } from './patience.ts';
import type { Refusal } from './refusal.ts';
import { Snapshots } from './snapshots.ts';
import { load, save } from './state.ts';
import { lookAt } from './streams.ts';

const PATIENCE_MS = 20_000;
const REQUEST_MS_MAX = 5_000;

/** False: another node has made a newer one meanwhile. Throws errors of NATS, a `Refusal`, `StateError`, `BlockError`. */
export async function makeSnapshot(start: LinkStart, constitution: Constitution): Promise<boolean> {
  const nats = await openConnection(start);
  try {
    const manager = await jetstreamManager(nats, { timeout: REQUEST_MS_MAX, checkAPI: false });
    const bucket = await patiently(() => Bucket.open(nats, start.cluster, start.replicas), PATIENCE_MS);
    const snapshots = await patiently(() => Snapshots.open(nats, manager, bucket, start), PATIENCE_MS);
    const last = await patiently(() => snapshots.read(), PATIENCE_MS);
    const machine = last === undefined ? new Machine(constitution) : load(constitution, last.bytes);
    const streams = await Promise.all(
      machine.parts.map((_, partition) =>
        patiently(
          () => lookAt(manager, streamOf(start.cluster, partition), subjectOf(start.cluster, partition)),
          PATIENCE_MS,
        ),
      ),
    );
    const sequences = () => machine.parts.map(({ sequence }) => sequence);
    await new Promise<void>((resolve, reject) => {
      const isDone = () =>
        streams.every(({ last: end }, partition) => machine.parts[partition]!.sequence >= end);
      if (isDone()) return resolve();
      const intake = new Intake({
        nats,
        manager,
        streams,
        from: sequences().map(sequence => sequence + 1),
        onRead() {},
        onBlocks(blocks: readonly Stored[]) {
          try {
            for (const block of blocks) machine.apply(block);
          } catch (error) {
            intake.stop();
            reject(error);
            return;
          }
          intake.applied(sequences());
          if (!isDone()) return;
          intake.stop();
          resolve();
        },
        onRefused(refusal: Refusal) {
          intake.stop();
          reject(refusal);
        },
        // The node that has started this hears the same.
        onTrouble() {},
        snapshotAt: async () => (await snapshots.places())?.newest.sequences,
      });
    });
    const isMade = await snapshots.write(save(machine), sequences(), start.node);
    if (isMade) await snapshots.purge();
    return isMade;
  } finally {
    await nats.close();
  }
}
