/**
 * Reads a stream in order, from a sequence on, for ever, as fast as its messages are released.
 *
 * It reads from a consumer; if that goes, another one is made, behind the last message that was passed on. From its
 * silence on, until there is one that speaks, messages are asked for one by one: making a consumer needs the leader of
 * all servers, and electing one takes many seconds. So is the next message when none has come for a while: the server of
 * the consumer may have a copy of the stream that lacks the last messages until there are more (seen with NATS 2.9.10
 * after a server had been stopped), and says that all is well.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Consumer } from './consumer.ts';
import type { Delivered } from './delivered.ts';
import { readDirect } from './direct.ts';
import { isNoStream, messageOf, Refusal } from './refusal.ts';

/** Without a consumer for so long, somebody should know. */
const TOLD_AFTER_MS = 10_000;
const FIRST_DELAY_MS = 50;
const DELAY_MS_MAX = 500;
/** Between two questions for a message that is not there. */
const NOTHING_MS = 20;
const LOOK_MS = 100;
/** When nothing has come for so long, the next message is asked for; sooner, if it is known to be there. */
const IDLE_MS = 1_000;
const MISSED_MS = 200;
/** A consumer that is behind by so many messages in a row is given up. */
const BEHIND_MAX = 20;
/** More is asked for when this part of all that may be under way is free. */
const PART = 1 / 4;

export interface ReaderStart {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stream: string;
  /** The first sequence that is wanted. */
  readonly from: number;
  /** What may be passed on and not yet released. */
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** In order, none twice, and none is left out. */
  onMessage(message: Delivered): void;
  /**
   * Asked for each new consumer, and where sequences are missing: does the stream still have the next sequence, if it
   * ever had it? Throws a `Refusal` if not, and errors of NATS.
   */
  check(next: number): Promise<void>;
  /** Asked where a later message came: does the stream's leader have this one? Throws as `check`. */
  checkHas(sequence: number): Promise<void>;
  /** One of these has refused: nothing more comes. */
  onRefused(refusal: Refusal): void;
  /** There has been no consumer for 10 s, and why; it is told once, until there is one. */
  onTrouble(reason: string): void;
}

export class StreamReader {
  readonly #start: ReaderStart;
  readonly #free: { messages: number; bytes: number };
  #next: number;
  /** A message came that is not the next one. */
  #hasMissed = false;
  #pending = 0;
  #made = 0;
  #consumer: Consumer | undefined;
  /** The next message is larger than what was free. */
  #isTooLarge = false;
  #isBridged = false;
  /** The last sequence that is known to be stored. */
  #stored = 0;
  /** When the last message was passed on, or was not there. */
  #movedMs = performance.now();
  /** How many messages came without the consumer, although that speaks. */
  #behind = 0;
  /** There was a consumer, and so the stream is what it should be. */
  #hasBegun = false;
  readonly #watch: NodeJS.Timeout;
  #delayMs = FIRST_DELAY_MS;
  /** Since when there is no consumer; undefined: it was told. */
  #troubleMs: number | undefined = performance.now();
  #retry: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(start: ReaderStart) {
    this.#start = start;
    this.#next = start.from;
    this.#free = { messages: start.messagesMax, bytes: start.bytesMax };
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    void this.#make();
  }

  /** How many messages were behind the last one, as far as is known. */
  get pending(): number {
    return this.#consumer?.pending ?? this.#pending;
  }

  /** How many consumers it has had, or tried to have. */
  get made(): number {
    return this.#made;
  }

  /** A message of this sequence is in the stream. */
  stored(sequence: number): void {
    this.#stored = Math.max(this.#stored, sequence);
  }

  /** As much more may be passed on. */
  release(messages: number, bytes: number): void {
    this.#free.messages += messages;
    this.#free.bytes += bytes;
    this.#pull();
  }

  disconnected(): void {
    this.#consumer?.disconnected();
  }

  connected(): void {
    if (this.#hasEnded) return;
    if (this.#consumer === undefined) {
      void this.#make();
      return;
    }
    this.#consumer.connected();
    this.#pull();
  }

  /** Nothing more is passed on. */
  stop(): void {
    this.#hasEnded = true;
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#consumer?.stop();
  }

  /** What a consumer that was being made before brings is forgotten. */
  async #make(): Promise<void> {
    clearTimeout(this.#retry);
    this.#made += 1;
    const made = this.#made;
    let consumer: Consumer | undefined;
    try {
      consumer = await this.#newConsumer();
      // Behind the making, so that nothing can be purged unseen between the two.
      const next = this.#next;
      await this.#start.check(next);
      // The server of the consumer may lack what the others have.
      if (this.#hasMissed) await this.#start.checkHas(next);
      if (this.#made !== made || this.#hasEnded) {
        consumer.stop();
        return;
      }
      this.#hasMissed = false;
      this.#isTooLarge = false;
      this.#delayMs = FIRST_DELAY_MS;
      this.#troubleMs = performance.now();
      this.#consumer = consumer;
      this.#hasBegun = true;
      this.#behind = 0;
      this.#pull();
    } catch (error) {
      consumer?.stop();
      if (this.#made === made) this.#failed(error);
    }
  }

  async #newConsumer(): Promise<Consumer> {
    const { nats, manager, stream } = this.#start;
    try {
      return await Consumer.make({
        nats,
        manager,
        stream,
        from: this.#next,
        onMessage: message => this.#take(message),
        onEnd: isTooLarge => {
          this.#isTooLarge = isTooLarge;
          this.#pull();
        },
        onSilence: () => void this.#bridge(),
        onGone: () => this.#remake(),
      });
    } catch (error) {
      // Is it gone for good?
      if (isNoStream(error)) await this.#start.check(this.#next);
      throw error;
    }
  }

  #failed(error: unknown): void {
    if (this.#hasEnded) return;
    if (error instanceof Refusal) {
      this.stop();
      this.#start.onRefused(error);
      return;
    }
    if (this.#troubleMs !== undefined && performance.now() - this.#troubleMs > TOLD_AFTER_MS) {
      this.#troubleMs = undefined;
      this.#start.onTrouble(messageOf(error));
    }
    this.#retry = setTimeout(() => void this.#make(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, DELAY_MS_MAX);
  }

  #remake(): void {
    if (this.#consumer !== undefined) {
      this.#pending = this.#consumer.pending;
      this.#consumer.stop();
      this.#consumer = undefined;
      this.#troubleMs = performance.now();
    }
    if (this.#hasEnded) return;
    void this.#make();
    void this.#bridge();
  }

  /** Asks for more, if enough is free and nothing is asked for. */
  #pull(): void {
    const consumer = this.#consumer;
    if (consumer === undefined || consumer.isPulling || this.#hasEnded) return;
    const { messagesMax, bytesMax } = this.#start;
    const { messages, bytes } = this.#free;
    if (this.#isTooLarge) {
      // What is larger than all that may be under way comes alone.
      if (messages === messagesMax) consumer.pull({ batch: 1 });
    } else if (messages >= messagesMax * PART && bytes >= bytesMax * PART)
      consumer.pull({ batch: messages, max_bytes: bytes });
  }

  #take(message: Delivered): void {
    this.#isTooLarge = false;
    if (message.sequence > this.#next) {
      this.#hasMissed = true;
      this.#remake();
      return;
    }
    // Less: it came without the consumer, or a server that is behind has begun before the place that was asked for.
    if (message.sequence === this.#next) {
      this.#behind = 0;
      this.#pass(message);
    }
    this.#pull();
  }

  #pass(message: Delivered): void {
    this.#movedMs = performance.now();
    this.#next += 1;
    this.#free.messages -= 1;
    this.#free.bytes -= message.bytes.length;
    this.#start.onMessage(message);
  }

  #look(): void {
    if (!this.#hasBegun) return;
    const quietMs = performance.now() - this.#movedMs;
    if (quietMs > (this.#stored >= this.#next ? MISSED_MS : IDLE_MS)) void this.#bridge();
  }

  /** Asks for one message after the other: until none is there, or, without a consumer, until one speaks. */
  async #bridge(): Promise<void> {
    if (this.#isBridged) return;
    this.#isBridged = true;
    const { nats, stream, bytesMax } = this.#start;
    while (!this.#hasEnded) {
      const isNeeded = this.#consumer?.isSilent ?? true;
      const hasRoom = this.#free.messages > 0 && this.#free.bytes >= bytesMax * PART;
      const message = hasRoom ? await readDirect(nats, stream, this.#next).catch(() => undefined) : undefined;
      if (this.#hasEnded) break;
      if (message?.sequence === this.#next) {
        this.#pass(message);
        if (!isNeeded) this.#behind += 1;
      } else if (message === undefined) {
        this.#movedMs = performance.now();
        if (!isNeeded) break;
        await sleep(NOTHING_MS);
      }
    }
    this.#isBridged = false;
    if (this.#behind > BEHIND_MAX) this.#remake();
  }
}
