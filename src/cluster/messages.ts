/**
 * What the socket thread and the thread that speaks to NATS tell each other, and what is the same for all nodes.
 *
 * They meet at messages, not in shared memory: what is sent is blocks, a few thousand a second, and not events.
 */

/** What decisions depend on. It is fixed when the cluster is made, and kept in it; a node with another is refused. */
export interface Constitution {
  /** Drawn when the cluster was made. */
  readonly id: string;
  /** Of blocks, snapshots, and of how they are applied. */
  readonly version: number;
  readonly partitions: number;
  /** Of the hash of names, hexadecimal: it says which partition a user is in. */
  readonly hashSeed: string;
  /** Of the hash of ids, hexadecimal. */
  readonly idKey: string;
  /** The most users, ids, and how long these are remembered, in ms. Each partition has an equal part. */
  readonly users: number;
  readonly idsMax: number;
  readonly idsMs: number;
}

/** A block as it lies in the stream of its partition. */
export interface Stored {
  readonly partition: number;
  /** Of the stream: from 1, in order, without gaps. */
  readonly sequence: number;
  /** The stream's time, ms since 1970. */
  readonly timeMs: number;
  readonly bytes: Uint8Array;
}

/** To the thread of NATS. */
export type ToLink =
  /** A state is restored: stored blocks are wanted from these sequences on, by partition. */
  | { readonly is: 'begin'; readonly from: readonly number[] }
  /** To be stored. There is one at most of each partition, until it is stored; numbers begin at 1. */
  | { readonly is: 'block'; readonly partition: number; readonly number: number; readonly bytes: Uint8Array }
  /** So many bytes of stored blocks have been applied, up to these sequences: as many more may be sent. */
  | { readonly is: 'applied'; readonly bytes: number; readonly sequences: readonly number[] }
  | { readonly is: 'stop' };

/** From the thread of NATS. */
export type FromLink =
  | {
      readonly is: 'opened';
      readonly constitution: Constitution;
      /** How often a node of this name has started, this start included. */
      readonly epoch: number;
      /** The newest snapshot, if there is one. */
      readonly snapshot: Uint8Array | undefined;
      /** The last sequence of each partition's stream: behind them, the node is up to date. */
      readonly ends: readonly number[];
    }
  /** The node can't start, or can't go on: one line that says why, and what to do. */
  | { readonly is: 'refused'; readonly reason: string }
  /** A majority has the block. This comes before the block itself does. */
  | { readonly is: 'stored'; readonly partition: number; readonly number: number; readonly sequence: number }
  | { readonly is: 'blocks'; readonly blocks: readonly Stored[] }
  /** Whether blocks can be stored now, as far as is known. Before `opened`: what is waited for. */
  | { readonly is: 'link'; readonly isUp: boolean; readonly reason: string }
  /** The node's own copy, or the next snapshot, can't be written, or a stream hardly be read; it goes on as it can. */
  | { readonly is: 'warning'; readonly reason: string }
  /** Once a second. */
  | { readonly is: 'figures'; readonly figures: LinkFigures };

/** All since the start, unless it says otherwise. */
export interface LinkFigures {
  /** Blocks, and how often one was sent again. */
  readonly sent: number;
  readonly resent: number;
  /** Blocks that are stored, and how long that took, from when they were given to the thread: the sum, in ms. */
  readonly stored: number;
  readonly ackMs: number;
  /** The same by time: see `ACK_MS_BOUNDS`. */
  readonly ackBuckets: readonly number[];
  /** By partition, now: blocks of the stream that are not applied here, as far as is known. */
  readonly lags: readonly number[];
  readonly reconnects: number;
  /** Consumers that had to be made again. */
  readonly remade: number;
  /** Where we are connected to, now; empty: nowhere. */
  readonly server: string;
  /** When the newest snapshot was written, ms since 1970; 0: there is none. */
  readonly snapshotMs: number;
  /** This node is the one that makes them. */
  readonly makesSnapshots: boolean;
}
