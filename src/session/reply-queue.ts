/**
 * The replies of one connection on their way out, in the order of the requests.
 *
 * Most leave when they are made. Two kinds wait: those behind a reply that waits for a worker are *held*, and those
 * to much input are *kept* until the end of the turn (see turns.ts).
 */
import type { Socket } from 'node:net';
import type { Asker } from '../engine/lane.ts';
import { HeldReplies } from './pending-replies.ts';
import type { Turns } from './scheduler.ts';

/** The connection, as its outbox sees it. */
export interface Owner {
  /** Replies have left that had to wait: there may be room for more. */
  goOn(): void;
}

export class Outbox {
  readonly #socket: Socket;
  readonly #turns: Turns;
  readonly #bytesMax: number;
  readonly #owner: Owner;
  #held: HeldReplies | undefined;
  #kept: Buffer | undefined;
  #isClosed = false;

  constructor(socket: Socket, turns: Turns, bytesMax: number, owner: Owner) {
    this.#socket = socket;
    this.#turns = turns;
    this.#bytesMax = bytesMax;
    this.#owner = owner;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** The client has left so many replies unread that no more are made for it. */
  get isFull(): boolean {
    return this.roomBytes <= 0;
  }

  get roomBytes(): number {
    return this.#bytesMax - this.#bytes;
  }

  /** A reply waits for a worker. */
  get isWaiting(): boolean {
    return this.#held !== undefined && !this.#held.isEmpty;
  }

  /** Sends what can be sent; `inputBytes` says how much it answers. */
  send(lines: Buffer | undefined, inputBytes = 0): void {
    if (this.isWaiting) {
      if (lines !== undefined) this.#held!.push(lines);
      lines = this.#held!.take();
    }
    if (lines === undefined || this.#isClosed) return;
    this.flush();
    if (this.#turns.isLarge(inputBytes)) {
      this.#kept = lines;
      this.#turns.sendLater(this);
    } else {
      this.#socket.write(lines);
    }
  }

  /** Keeps a place for a reply that is still to come, behind `before`. */
  hold(before: Buffer | undefined): Asker {
    this.#held ??= new HeldReplies(() => this.#sendAnswered());
    if (before !== undefined) this.#held.push(before);
    return this.#held.hold();
  }

  /** Gives up the place kept last: it turned out that there was nobody to ask. */
  unhold(): void {
    this.#held!.unhold();
  }

  /** Called at the end of the turn. */
  sendKept(): void {
    const wasFull = this.isFull;
    this.flush();
    if (wasFull) this.#owner.goOn();
  }

  /** Writes what was kept for the end of the turn. */
  flush(): void {
    if (this.#kept === undefined) return;
    const lines = this.#kept;
    this.#kept = undefined;
    this.#socket.write(lines);
  }

  close(): void {
    this.#isClosed = true;
    this.#kept = undefined;
  }

  /** What the client has not taken yet. */
  get #bytes(): number {
    return this.#socket.writableLength + (this.#held?.bytes ?? 0) + (this.#kept?.length ?? 0);
  }

  #sendAnswered(): void {
    if (this.#isClosed) return;
    this.send(undefined);
    this.#owner.goOn();
  }
}
