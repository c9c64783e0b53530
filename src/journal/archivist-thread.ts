/**
 * The thread of the archivist: it sleeps most of the time.
 */
import { setPriority } from 'node:os';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Archivist, type ArchivistStart, type Snapshotted } from './archivist.ts';
import { realDisk } from './disk.ts';
import { Head, headOf } from './memory.ts';

const LOOK_MS = 100;
/** It leaves the cores to those whom clients wait for; it needs little, and has time. */
const NICE = 10;

/**
 * `prepared`: there is room for full rings, or the disk has none. `damaged`: what was written can't be read; the server
 * knows the balances still. `wanted`: all requests for a snapshot up to this number are served.
 */
export type ArchivistMessage =
  | 'prepared'
  | { failed: string }
  | { damaged: string }
  | { wanted: number; how: Snapshotted };

function run(start: ArchivistStart, send: (message: ArchivistMessage) => void): void {
  const head = headOf(start.buffer);
  const archivist = new Archivist(realDisk, start);
  const restMs = start.sync === 'interval' ? Math.min(LOOK_MS, start.syncMs) : LOOK_MS;
  let isPrepared = false;
  let isTold = false;
  let { served } = archivist;
  try {
    for (;;) {
      const bell = Atomics.load(head, Head.bell);
      if (Atomics.load(head, Head.stop) === 1) break;
      archivist.turn();
      if (!isPrepared) {
        isPrepared = true;
        send('prepared');
      }
      if (archivist.damage !== undefined && !isTold) {
        isTold = true;
        send({ damaged: archivist.damage });
      }
      if (archivist.served !== served) {
        served = archivist.served;
        send(served);
      }
      Atomics.wait(head, Head.bell, bell, restMs);
    }
    if (start.sync !== 'always') archivist.syncAll();
  } catch (error) {
    Atomics.store(head, Head.failed, 1);
    send({ failed: (error as Error).message });
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  // On Linux, of this thread alone.
  if (process.platform === 'linux') setPriority(NICE);
  run(workerData as ArchivistStart, message => port.postMessage(message));
}
