/** What the thread of NATS is started with. Plain data: it crosses to the thread. */

/** How we say who we are to NATS, and whom we trust. Contents of files, not their paths. */
export interface NatsCredentials {
  /** The contents of a file of credentials (`.creds`): a JWT and a seed. */
  readonly creds?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** PEM. `isTls` without the rest: the server's certificate is one that Node knows. */
  readonly isTls?: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What this node has been told that the cluster must be like. */
export interface Wanted {
  /** Of blocks, snapshots, and of how they are applied. */
  readonly version: number;
  readonly partitions: number;
  readonly users: number;
  readonly idsMax: number;
  readonly idsMs: number;
}

export interface LinkStart {
  /** `nats://host:port`, one at least. */
  readonly servers: readonly string[];
  readonly credentials: NatsCredentials;
  /** The name of this node: no other of the cluster has it. */
  readonly node: string;
  /** The first part of all names that the cluster has in NATS. */
  readonly cluster: string;
  /** How many servers of NATS have a copy: 1, 3 or 5. */
  readonly replicas: number;
  readonly wanted: Wanted;
  /** The settings that were given: the others are what a new cluster gets, and are not insisted on. */
  readonly given: readonly string[];
  /** The longest block that will be sent, in bytes: NATS must take messages of this size. */
  readonly blockBytesMax: number;
  /** Blocks behind the newest snapshot with which the next one is due. */
  readonly snapshotBlocks: number;
  /** The node's own folder; empty: none. */
  readonly data: string;
  /** Of Tally, for people who look at the nodes. */
  readonly program: string;
}

export const DEFAULT_CLUSTER = 'tally';
