/** A worker of a world: what a worker thread has, without its loop. */
import { Balances } from '../../src/engine/balances.ts';
import { laneOf, type Shape } from '../../src/engine/memory-layout.ts';
import { Consumer } from '../../src/engine/ring.ts';
import { LaneWriter, type WriterStart } from '../../src/journal/lane-writer.ts';
import { journalLaneOf } from '../../src/journal/memory.ts';
import type { LyingDisk } from './lying-disk.ts';

export interface Hired {
  ring: Consumer;
  balances: Balances;
  writer: LaneWriter;
}

/** It takes up where the last one of its lane has died. `onPlaced` is told before each store into its places. */
export function hire(
  disk: LyingDisk,
  buffer: SharedArrayBuffer,
  shape: Shape,
  start: WriterStart,
  onPlaced: () => void,
): Hired {
  const memory = laneOf(buffer, shape, start.lane);
  const journalLane = journalLaneOf(start.buffer, start.lanes, start.lane);
  const places = new Proxy(journalLane.places, {
    get: (target, key) => target[key as unknown as number],
    set: (target, key, value: number) => {
      onPlaced();
      target[key as unknown as number] = value;
      return true;
    },
  });
  const writer = new LaneWriter(disk, start, memory, { ...journalLane, places });
  const ring = new Consumer(memory);
  const balances = new Balances(buffer, shape, start.lane, ring, () => writer.timeMs);
  balances.recover();
  return { ring, balances, writer };
}
