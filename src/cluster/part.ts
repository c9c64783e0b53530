/**
 * One partition's part of the state, and which blocks it knows already.
 */
import { Ids, idsMemory } from '../engine/ids.ts';
import { BlockError } from './block.ts';

/** Nodes, by their starts, whose last block a partition remembers. */
const SENDERS_MAX = 1_000;

/** One partition's part of the state. */
export interface Part {
  /** Of the last block applied. */
  sequence: number;
  timeMs: number;
  users: number;
  ids: Ids;
  /** The last block of each node and epoch, in the order in which they were heard last. */
  readonly senders: Map<string, number>;
  /** What this partition's part of all transfers adds to what is in transit; the sum of all parts is. */
  inTransit: bigint;
}

/** It remembers so many ids at most, for so long at least. */
export function newPart(idsMax: number, idsMs: number): Part {
  const idSlots = idsMax === 0 ? 0 : 2 ** Math.ceil(Math.log2(idsMax));
  return {
    ...{ sequence: 0, timeMs: 0, users: 0, inTransit: 0n },
    ids: new Ids(idsMemory(idSlots), idsMax, idsMs),
    senders: new Map(),
  };
}

/**
 * Notes a block of a sender, a node and its epoch; false if it is a repeat, which the stream has not found. Throws
 * `BlockError` if one is missing before it.
 */
export function isNew({ senders }: Part, sender: string, number: number): boolean {
  const last = senders.get(sender);
  if (last !== undefined && number <= last) return false;
  // Of a sender that is not known, any may be the next one only if senders were forgotten.
  const before = last ?? (senders.size < SENDERS_MAX ? 0 : number - 1);
  if (number !== before + 1) throw new BlockError(`it is number ${number} of ${sender}, behind ${before}`);
  senders.delete(sender);
  senders.set(sender, number);
  if (senders.size > SENDERS_MAX) senders.delete(senders.keys().next().value!);
  return true;
}
