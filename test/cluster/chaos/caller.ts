/**
 * A client of all three nodes: over one connection at a time, to any of them. What has an id and no reply is sent again,
 * by any client and to any node, until it is decided; what has none is of unknown fate when its connection is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Outcome } from '../../../src/protocol/outcome.ts';
import { Client, HungUp, TooLate } from '../../../src/tools/harness/client.ts';
import { type Attempt, type Deed, decidedAttempt, isDecided, type Wish } from '../history.ts';
import { timeNow } from './clock.ts';
import { lineOf, replyIn } from './lines.ts';

const CONNECT_MS_MAX = 2_000;
/** Then a reply is missing: nodes that have been stopped go on much sooner. */
const REPLY_MS_MAX = 120_000;
/** An impatient client leaves a connection that has been silent for so long. */
const PATIENCE_MS = [500, 3_000] as const;
const AGAIN_MS = 20;
const PAUSE_MS_MAX = 40;
/** Of so many turns one ends with a pause. */
const PAUSING = 0.8;
const DEPTHS = [1, 3, 8];
/** Of so many events with an id, one is sent by another client at the same time. */
const ECHO = 0.05;
/** After a reply, it goes to another node. */
const MOVE = 0.01;

/** What the clients of one run share. */
export interface Shared {
  readonly deeds: Deed[];
  /** With ids, not decided, and under way nowhere. */
  readonly open: Deed[];
  /** Connections that were there until all replies had come, or should have. */
  readonly lived: Set<number>;
  readonly complaints: string[];
  connections: number;
  cuts: number;
  resent: number;
  busy: number;
  /** Nothing new is wanted any more. */
  isOver: boolean;
  wish(): Wish;
  portOf(node: number): number | undefined;
}

export function sharedBy(wish: () => Wish, portOf: (node: number) => number | undefined): Shared {
  return {
    ...{ deeds: [], open: [], lived: new Set<number>(), complaints: [] },
    ...{ connections: 0, cuts: 0, resent: 0, busy: 0, isOver: false },
    ...{ wish, portOf },
  };
}

interface Sent {
  readonly deed: Deed;
  readonly attempt: Attempt;
}

export class Caller {
  readonly #shared: Shared;
  readonly #nodes: number;
  readonly #random: () => number;
  readonly #depth: number;
  readonly #isPatient: boolean;
  readonly #sent: Sent[] = [];
  /** This node shuts down. */
  #isTurnedAway = false;

  constructor(shared: Shared, nodes: number, random: () => number) {
    this.#shared = shared;
    this.#nodes = nodes;
    this.#random = random;
    this.#depth = DEPTHS[Math.floor(random() * DEPTHS.length)]!;
    this.#isPatient = random() < 0.5;
  }

  /** Until all that anybody wanted is decided, or nothing can be done about it. */
  async run(): Promise<void> {
    const shared = this.#shared;
    while (!shared.isOver || shared.open.length > 0) {
      const node = Math.floor(this.#random() * this.#nodes);
      const port = shared.portOf(node);
      const client =
        port === undefined
          ? undefined
          : await Client.open(port, '127.0.0.1', CONNECT_MS_MAX).catch(() => undefined);
      if (client === undefined) await sleep(AGAIN_MS);
      else await this.#talk(client, node);
    }
  }

  async #talk(client: Client, node: number): Promise<void> {
    const connection = ++this.#shared.connections;
    const patienceMs = this.#isPatient
      ? REPLY_MS_MAX
      : PATIENCE_MS[0] + this.#random() * (PATIENCE_MS[1] - PATIENCE_MS[0]);
    let hasLived = false;
    this.#isTurnedAway = false;
    try {
      while (await this.#turn(client, node, connection, patienceMs));
      hasLived = true;
    } catch (error) {
      if (error instanceof TooLate) hasLived = this.#isPatient;
      else if (!(error instanceof HungUp)) throw error;
      if (hasLived)
        this.#shared.complaints.push(`no reply within ${REPLY_MS_MAX / 1_000} s from node ${node}`);
      this.#shared.cuts += 1;
    } finally {
      client.close();
      if (hasLived) this.#shared.lived.add(connection);
      for (const { deed } of this.#sent.splice(0)) this.#putBack(deed);
    }
  }

  /** Sends something, and takes a reply; false when it wants to leave, and has all replies. */
  async #turn(client: Client, node: number, connection: number, patienceMs: number): Promise<boolean> {
    const mayLeave = this.#isTurnedAway || this.#random() < MOVE;
    if (!mayLeave) this.#send(client, node, connection);
    if (this.#sent.length === 0) {
      await sleep(this.#random() * PAUSE_MS_MAX);
      return !mayLeave && (!this.#shared.isOver || this.#shared.open.length > 0);
    }
    do {
      const line = await client.line(patienceMs);
      this.#take(line);
    } while (this.#sent.length > 0 && (mayLeave || client.received.includes('\n')));
    if (this.#random() < PAUSING) await sleep(this.#random() * PAUSE_MS_MAX);
    return !mayLeave;
  }

  /** Several lines in one piece, at times. */
  #send(client: Client, node: number, connection: number): void {
    const { open, deeds, isOver } = this.#shared;
    const lines: string[] = [];
    const most = 1 + Math.floor(this.#random() * (this.#depth - this.#sent.length));
    while (this.#sent.length < this.#depth && lines.length < most) {
      let deed = open.shift();
      if (deed === undefined) {
        if (isOver) break;
        deed = { wish: this.#shared.wish(), attempts: [] };
        deeds.push(deed);
        if (deed.wish.id !== undefined && this.#random() < ECHO) open.push(deed);
      } else if (decidedAttempt(deed) !== undefined) continue;
      if (deed.attempts.length > 0) this.#shared.resent += 1;
      const attempt: Attempt = {
        node,
        connection,
        startedAt: timeNow(),
        endedAt: undefined,
        reply: undefined,
      };
      deed.attempts.push(attempt);
      this.#sent.push({ deed, attempt });
      lines.push(lineOf(deed.wish));
    }
    if (lines.length > 0) client.send(lines.join(''));
  }

  #take(line: string): void {
    const { deed, attempt } = this.#sent.shift()!;
    attempt.endedAt = timeNow();
    attempt.reply = replyIn(line, deed.wish);
    if (attempt.reply === undefined)
      this.#shared.complaints.push(`a wrong reply: ${line} to ${lineOf(deed.wish).trim()}`);
    else if (!isDecided(attempt.reply)) {
      this.#shared.busy += 1;
      if (attempt.reply.outcome === Outcome.shuttingDown) this.#isTurnedAway = true;
      this.#putBack(deed);
    }
  }

  /** It has an id, and is not decided: somebody sends it again. */
  #putBack(deed: Deed): void {
    if (deed.wish.id !== undefined && decidedAttempt(deed) === undefined) this.#shared.open.push(deed);
  }
}
