/**
 * What a session sees of the server and of the other clients.
 */
import type { Settings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import type { ClientCounts, Closing } from '../metrics/snapshot.ts';
import type { ReadBuffer } from '../protocol/read-buffer.ts';
import type { Client, ClientDeadlines } from './client-deadlines.ts';
import type { Dispatch } from './dispatch.ts';
import type { BlockPool } from './input-buffer.ts';
import type { Lingering } from './lingering.ts';
import type { Scheduler } from './scheduler.ts';
import type { Phase } from './state.ts';

export interface Shared {
  readonly phase: Phase;
  readonly settings: Settings;
  readonly log: Log;
  readonly clients: ClientCounts;
  readonly readBuffer: ReadBuffer;
  readonly blocks: BlockPool;
  readonly dispatch: Dispatch;
  readonly scheduler: Scheduler;
  readonly deadlines: ClientDeadlines;
  readonly lingering: Lingering;
  /** Calls `retry` once, when the ring for this hash may have room. */
  whenRoom(hash: number, retry: () => void): void;
  /** The client is ended, with its last replies. */
  hungUp(why: Closing): void;
  gone(session: Client): void;
}
