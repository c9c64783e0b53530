/** Opens the connections of one thread, and opens lost ones again, or says in a sentence why that can't be done. */
import { addressText } from '../../cli/terminal/address.ts';
import type { Credentials } from '../harness/credentials.ts';
import { NotLetIn, whyNot } from '../harness/dialling.ts';
import { type ConnectionEvents, LoadConnection, type Shared } from './connection.ts';
import { IdWriter } from './event-ids.ts';
import type { Ledger } from './ledger.ts';
import type { LoadPlan } from './plan.ts';
import type { ReplyJudge } from './protocols.ts';
import { pageOf } from './replies.ts';

const CHUNK_BYTES = 1 << 16;
/** At a time: a server's queue of connections that it has not taken yet is short. */
const OPENING_MAX = 256;
/** The pause before the first attempt to open a lost connection again; it doubles with each that fails. */
const PAUSE_MS = 50;
const PAUSE_MS_MAX = 2_000;

/** Exponential backoff with jitter: connections that were lost together do not all come back at once. */
export function pauseMs(failures: number, random: () => number = Math.random): number {
  return Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** failures) * (0.5 + random() / 2);
}

/** Which thread of the run it is, and how many connections it has. */
export interface ThreadShare {
  index: number;
  connections: number;
  /** Of the run's ids; undefined: it has none. */
  runId: string | undefined;
  credentials: Credentials;
}

export class Opener {
  readonly #plan: LoadPlan;
  readonly #thread: ThreadShare;
  readonly #shared: Shared;

  constructor(
    plan: LoadPlan,
    thread: ThreadShare,
    ledger: Ledger,
    judge: ReplyJudge,
    events: ConnectionEvents,
  ) {
    const { host, port, pipeline } = plan;
    this.#plan = plan;
    this.#thread = thread;
    this.#shared = {
      address: { host, port },
      credentials: thread.credentials,
      chunk: Buffer.allocUnsafeSlow(CHUNK_BYTES),
      judge,
      page: pageOf(judge),
      ledger,
      pipeline,
      events,
    };
  }

  /** All of them, or none. */
  async openAll(): Promise<LoadConnection[]> {
    const deadlineMs = performance.now() + this.#plan.connectMs;
    const connections: LoadConnection[] = [];
    while (connections.length < this.#thread.connections) {
      const opening: Promise<void>[] = [];
      while (opening.length < OPENING_MAX && connections.length < this.#thread.connections) {
        const connection = this.#start(connections.length);
        connections.push(connection);
        opening.push(opened(connection, this.#plan, deadlineMs));
      }
      try {
        await Promise.all(opening);
      } catch (error) {
        for (const connection of connections) connection.destroy();
        throw error;
      }
    }
    return connections;
  }

  /** A new one in place of a lost one, which goes on where that ended. */
  async openAgain(lost: LoadConnection): Promise<LoadConnection> {
    const connection = this.#start(lost.index);
    try {
      await opened(connection, this.#plan, performance.now() + this.#plan.connectMs);
    } catch (error) {
      connection.destroy();
      throw error;
    }
    connection.continue(lost);
    return connection;
  }

  #start(index: number): LoadConnection {
    const { script } = this.#shared.ledger;
    const { runId } = this.#thread;
    const ids = runId === undefined ? undefined : new IdWriter(script, runId, this.#number(index));
    return new LoadConnection(index, this.#firstLine(index), ids, this.#shared);
  }

  /** Of a connection, over all threads. */
  #number(index: number): number {
    return index * this.#plan.threads + this.#thread.index;
  }

  /** They start at places far apart, so that they do not all send the same users' lines at once. */
  #firstLine(index: number): number {
    const { lines } = this.#shared.ledger.script;
    const place = this.#number(index) / (this.#thread.connections * this.#plan.threads);
    return Math.floor(place * lines) % lines;
  }
}

/** Resolves when the connection is open. */
async function opened(connection: LoadConnection, plan: LoadPlan, deadlineMs: number): Promise<void> {
  const late = new Error(
    `${addressText(plan)} took no connection within ${plan.connectMs / 1_000} s; is it overloaded?`,
  );
  const timer = setTimeout(() => connection.socket.destroy(late), deadlineMs - performance.now());
  try {
    await connection.opened;
  } catch (error) {
    if (error === late || error instanceof NotLetIn) throw error;
    throw new Error(whyNot(error as NodeJS.ErrnoException, plan));
  } finally {
    clearTimeout(timer);
  }
  connection.watch();
}
