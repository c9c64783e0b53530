/**
 * Reads a stream in order, from a sequence on, for ever, as fast as its messages are released.
 *
 * It pulls from a consumer that lives in the memory of one server. If that goes, or a message is missing on the way,
 * another consumer is made, behind the last message that was passed on. While a pull waits, the server says twice a
 * second that it is there; so silence is noticed.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamManager,
  ReplayPolicy,
} from '@nats-io/jetstream';
import {
  createInbox,
  type Msg,
  type NatsConnection,
  nanos,
  type Subscription,
} from '@nats-io/transport-node';
import { type Delivered, deliveredOf } from './delivered.ts';
import { messageOf, Refusal } from './refusal.ts';

const HEARTBEAT_MS = 500;
const LOOK_MS = 100;
/** Then the same consumer is asked again, and is given up if it does not answer that either. */
const SILENCE_MS_MAX = 750;
/** A pull that nothing comes for is renewed after this time. */
const PULL_MS_MAX = 20_000;
/** A consumer that nobody pulls from goes: one that was left behind, or that of a node that is gone. */
const IDLE_MS_MAX = 30_000;
const FIRST_DELAY_MS = 50;
const DELAY_MS_MAX = 500;
/** More is asked for when this part of all that may be under way is free. */
const PART = 1 / 4;

/** Codes of what the server says beside messages. */
const Status = { heartbeat: 100, timeout: 408, ended: 409 } as const;
/** A pull that has ended although the consumer is well. */
const ENDED = /exceeds maxbytes|batch completed/i;

export interface ReaderStart {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stream: string;
  /** The first sequence that is wanted. */
  readonly from: number;
  /** What may be passed on and not yet released. */
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** In order, none twice. The sequence may be higher than the next one, where the stream has a hole. */
  onMessage(message: Delivered): void;
  /**
   * Asked for each new consumer, and where sequences are missing: does the stream still have the next sequence, if it
   * ever had it? Throws a `Refusal` if not, and errors of NATS.
   */
  check(next: number): Promise<void>;
  /** `check` has refused: nothing more comes. */
  onRefused(refusal: Refusal): void;
}

interface Consumer {
  readonly name: string;
  readonly inbox: string;
  readonly subscription: Subscription;
}

export class StreamReader {
  readonly #start: ReaderStart;
  readonly #free: { messages: number; bytes: number };
  #next: number;
  /** Behind a hole: where it goes on, once the hole was looked into. */
  #behindHole: number | undefined;
  #pending = 0;
  #made = 0;
  #consumer: Consumer | undefined;
  /** Of this consumer. */
  #delivery = 0;
  /** How many the pull under way may still bring; 0: there is none. */
  #asked = 0;
  /** The pull under way has brought nothing yet. */
  #isFresh = false;
  /** The next message is larger than what was free. */
  #isTooLarge = false;
  #heardMs = 0;
  #isAskedAgain = false;
  #delayMs = FIRST_DELAY_MS;
  #retry: NodeJS.Timeout | undefined;
  readonly #watch: NodeJS.Timeout;
  #isConnected = true;
  #hasEnded = false;
  #problem: string | undefined;

  constructor(start: ReaderStart) {
    this.#start = start;
    this.#next = start.from;
    this.#free = { messages: start.messagesMax, bytes: start.bytesMax };
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
    void this.#make();
  }

  /** The next sequence that will be passed on, or a higher one. */
  get next(): number {
    return this.#next;
  }

  /** How many messages were behind the last one, as far as is known. */
  get pending(): number {
    return this.#pending;
  }

  /** How many consumers it has had, or tried to have. */
  get made(): number {
    return this.#made;
  }

  /** Why there is no consumer now. */
  get problem(): string | undefined {
    return this.#consumer === undefined ? this.#problem : undefined;
  }

  /** As much more may be passed on. */
  release(messages: number, bytes: number): void {
    this.#free.messages += messages;
    this.#free.bytes += bytes;
    this.#pull();
  }

  /** Nothing is to be expected for now. */
  disconnected(): void {
    this.#isConnected = false;
  }

  /** There is a new connection: what the old pull would have brought does not come. */
  connected(): void {
    this.#isConnected = true;
    this.#heardMs = performance.now();
    if (this.#hasEnded) return;
    if (this.#consumer === undefined) {
      void this.#make();
      return;
    }
    this.#asked = 0;
    this.#pull();
  }

  /** Nothing more is passed on. */
  stop(): void {
    this.#hasEnded = true;
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    this.#leave();
  }

  async #make(): Promise<void> {
    this.#leave();
    clearTimeout(this.#retry);
    const { nats, manager, stream } = this.#start;
    this.#made += 1;
    const made = this.#made;
    const inbox = createInbox();
    const name = inbox.slice(inbox.indexOf('.') + 1);
    // Before there is a consumer, so that nothing that it sends is missed.
    const subscription = nats.subscribe(inbox, {
      callback: (error, message) => {
        if (this.#consumer?.inbox !== inbox) return;
        if (error === null) this.#take(message);
        else this.#remake(messageOf(error));
      },
    });
    try {
      const behindHole = this.#behindHole;
      const info = await manager.consumers.add(stream, consumerConfig(name, behindHole ?? this.#next));
      await this.#start.check(this.#next);
      if (this.#made !== made || this.#hasEnded) {
        subscription.unsubscribe();
        return;
      }
      if (behindHole !== undefined) this.#next = behindHole;
      this.#behindHole = undefined;
      this.#pending = info.num_pending;
      this.#begin({ name, inbox, subscription });
    } catch (error) {
      subscription.unsubscribe();
      if (this.#made === made) this.#failed(error);
    }
  }

  #begin(consumer: Consumer): void {
    this.#consumer = consumer;
    this.#delivery = 0;
    this.#asked = 0;
    this.#isTooLarge = false;
    this.#delayMs = FIRST_DELAY_MS;
    this.#problem = undefined;
    this.#pull();
  }

  #failed(error: unknown): void {
    if (this.#hasEnded) return;
    this.#problem = messageOf(error);
    if (error instanceof Refusal) {
      this.stop();
      this.#start.onRefused(error);
      return;
    }
    this.#retry = setTimeout(() => void this.#make(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, DELAY_MS_MAX);
  }

  #leave(): void {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    this.#consumer = undefined;
    this.#asked = 0;
    consumer.subscription.unsubscribe();
    // It goes by itself, but later.
    this.#start.manager.consumers.delete(this.#start.stream, consumer.name).catch(() => {});
  }

  #remake(why: string): void {
    this.#problem = why;
    if (!this.#hasEnded) void this.#make();
  }

  /** Asks for more, if enough is free and nothing is asked for. */
  #pull(): void {
    if (this.#consumer === undefined || this.#asked > 0 || this.#hasEnded) return;
    const { messagesMax, bytesMax } = this.#start;
    const { messages, bytes } = this.#free;
    if (this.#isTooLarge) {
      // What is larger than all that may be under way comes alone.
      if (messages === messagesMax) this.#ask({ batch: 1 });
    } else if (messages >= messagesMax * PART && bytes >= bytesMax * PART)
      this.#ask({ batch: messages, max_bytes: bytes });
  }

  #ask(limits: { batch: number; max_bytes?: number }): void {
    this.#asked = limits.batch;
    this.#isFresh = true;
    this.#heardMs = performance.now();
    this.#isAskedAgain = false;
    this.#request(limits);
  }

  #request(limits: { batch: number; max_bytes?: number }): void {
    const { nats, stream } = this.#start;
    const { name, inbox } = this.#consumer!;
    const times = { expires: nanos(PULL_MS_MAX), idle_heartbeat: nanos(HEARTBEAT_MS) };
    nats.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, JSON.stringify({ ...limits, ...times }), {
      reply: inbox,
    });
  }

  #take(message: Msg): void {
    this.#heardMs = performance.now();
    this.#isAskedAgain = false;
    const delivered = deliveredOf(message);
    if (delivered === undefined) {
      this.#hear(message);
      return;
    }
    if (delivered.delivery !== this.#delivery + 1) {
      this.#remake('a message was lost on its way');
      return;
    }
    this.#delivery += 1;
    this.#asked = Math.max(0, this.#asked - 1);
    this.#isFresh = false;
    this.#isTooLarge = false;
    this.#pending = delivered.pending;
    if (delivered.sequence > this.#next) {
      this.#behindHole = delivered.sequence;
      this.#remake('sequences are missing');
      return;
    }
    // A server that is behind may begin before the place that was asked for.
    if (delivered.sequence === this.#next) {
      this.#next += 1;
      this.#free.messages -= 1;
      this.#free.bytes -= delivered.bytes.length;
      this.#start.onMessage(delivered);
    }
    this.#pull();
  }

  /** What the server says about the pull. */
  #hear({ headers }: Msg): void {
    const code = headers?.code ?? 0;
    const description = headers?.description ?? '';
    if (code === Status.heartbeat) {
      const last = Number(headers?.get('Nats-Last-Consumer') || 0);
      if (last > this.#delivery) this.#remake('a message was lost on its way');
    } else if (code === Status.timeout || (code === Status.ended && ENDED.test(description))) {
      this.#isTooLarge = code === Status.ended && this.#isFresh && this.#asked > 1;
      this.#asked = 0;
      this.#pull();
    } else this.#remake(`${code} ${description}`);
  }

  #look(): void {
    if (this.#consumer === undefined || this.#asked === 0 || !this.#isConnected) return;
    if (performance.now() - this.#heardMs < SILENCE_MS_MAX) return;
    if (this.#isAskedAgain) {
      this.#remake('its server is silent');
      return;
    }
    // The pull may be over without a word. If the consumer is there, it says so.
    this.#isAskedAgain = true;
    this.#heardMs = performance.now();
    this.#asked += 1;
    this.#request({ batch: 1 });
  }
}

function consumerConfig(name: string, from: number): Partial<ConsumerConfig> {
  return {
    name,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
    ack_policy: AckPolicy.None,
    replay_policy: ReplayPolicy.Instant,
    inactive_threshold: nanos(IDLE_MS_MAX),
    num_replicas: 1,
    mem_storage: true,
  };
}
