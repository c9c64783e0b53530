/**
 * Stores the blocks of one partition, one at a time, and gives up on none: after an error or without an answer the same
 * is sent again under the same id, so that it is stored once.
 */
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { messageOf } from './refusal.ts';

const ACK_MS_MAX = 2_000;
const FIRST_DELAY_MS = 50;
/** While a stream has no leader, each attempt is answered at once by "nobody is there". */
const DELAY_MS_MAX = 500;

interface Block {
  readonly number: number;
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly sinceMs: number;
}

export interface PublisherStart {
  readonly nats: NatsConnection;
  readonly stream: string;
  readonly subject: string;
  idOf(number: number): string;
  /** A majority has it; `tookMs` since it was given to us. */
  onStored(number: number, sequence: number, tookMs: number): void;
  onSent(isAgain: boolean): void;
}

export class Publisher {
  readonly #start: PublisherStart;
  #block: Block | undefined;
  #attempts = 0;
  #delayMs = FIRST_DELAY_MS;
  #timer: NodeJS.Timeout | undefined;
  #problem: string | undefined;

  constructor(start: PublisherStart) {
    this.#start = start;
  }

  /** Since when a block is under way, by `performance.now()`; undefined: none is. */
  get sinceMs(): number | undefined {
    return this.#block?.sinceMs;
  }

  /** Why the last attempt at the block under way failed, if it did. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Throws an error if another one is under way: a mistake of ours. */
  publish(number: number, bytes: Uint8Array): void {
    if (this.#block !== undefined)
      throw new Error(`block ${number} came before ${this.#block.number} was stored`);
    this.#block = { number, id: this.#start.idOf(number), bytes, sinceMs: performance.now() };
    this.#attempts = 0;
    this.#delayMs = FIRST_DELAY_MS;
    this.#problem = undefined;
    this.#attempt();
  }

  /** A block was read from the stream: if it is ours, it is stored. `idOfRead` is asked only if one is under way. */
  confirm(idOfRead: () => string, sequence: number): void {
    const block = this.#block;
    if (block !== undefined && idOfRead() === block.id) this.#stored(block, sequence);
  }

  /** There is a new connection, or a new leader of the stream: what was under way with the old one is sent again now. */
  again(): void {
    if (this.#block === undefined) return;
    clearTimeout(this.#timer);
    this.#delayMs = FIRST_DELAY_MS;
    this.#attempt();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#block = undefined;
  }

  #attempt(): void {
    const block = this.#block!;
    this.#attempts += 1;
    const attempt = this.#attempts;
    this.#start.onSent(attempt > 1);
    this.#request(block).then(
      sequence => this.#stored(block, sequence),
      error => {
        if (this.#block !== block || this.#attempts !== attempt) return;
        this.#problem = messageOf(error);
        this.#timer = setTimeout(() => this.#attempt(), this.#delayMs);
        this.#delayMs = Math.min(this.#delayMs * 2, DELAY_MS_MAX);
      },
    );
  }

  async #request({ id, bytes }: Block): Promise<number> {
    const { nats, stream, subject } = this.#start;
    const head = headers();
    head.set('Nats-Msg-Id', id);
    head.set('Nats-Expected-Stream', stream);
    const answer = await nats.request(subject, bytes, { timeout: ACK_MS_MAX, headers: head });
    const ack = answer.json<{ seq?: number; error?: { description?: string } }>();
    if (ack.error !== undefined || ack.seq === undefined)
      throw new Error(ack.error?.description ?? 'an acknowledgement without a sequence');
    return ack.seq;
  }

  #stored(block: Block, sequence: number): void {
    // Told already, by another attempt or by reading it.
    if (this.#block !== block) return;
    clearTimeout(this.#timer);
    this.#block = undefined;
    this.#problem = undefined;
    this.#start.onStored(block.number, sequence, performance.now() - block.sinceMs);
  }
}
