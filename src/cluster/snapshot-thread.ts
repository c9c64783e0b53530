/**
 * The thread that makes one snapshot, and ends: it takes the newest one, applies what the streams have behind it, with
 * the same code as every node, and stores the result. Serving nodes never stop for it.
 */
import { setPriority } from 'node:os';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { LinkStart } from './link-options.ts';
import { makeSnapshot } from './make-snapshot.ts';
import type { Constitution } from './messages.ts';
import { messageOf } from './refusal.ts';

export interface SnapshotStart {
  readonly link: LinkStart;
  readonly constitution: Constitution;
}

/** How it ended: `made`, another was quicker, or why not. */
export type SnapshotMessage = 'made' | 'late' | { failed: string };

/** It has time: whoever serves comes first. */
const NICE = 10;

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  // On Linux, of this thread alone.
  if (process.platform === 'linux') setPriority(NICE);
  const { link, constitution } = workerData as SnapshotStart;
  makeSnapshot(link, constitution)
    .then(isMade => port.postMessage((isMade ? 'made' : 'late') satisfies SnapshotMessage))
    .catch(error => port.postMessage({ failed: messageOf(error) } satisfies SnapshotMessage));
}
