/**
 * One consumer of a stream, in the memory of one server of NATS, from which messages are pulled; it is told when that
 * server falls silent.
 *
 * While a pull waits, the server says every 300 ms that it is there. Silence may also mean that the pull is over without
 * a word, so the consumer is asked whether it is there before it is given up.
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
import { messageOf } from './refusal.ts';

const HEARTBEAT_MS = 300;
const LOOK_MS = 50;
/** Then it is asked. */
const SILENCE_MS_MAX = 500;
/** If it does not answer, it is given up. */
const GONE_MS_MAX = 1_000;
/** A pull that nothing comes for is over after this time. */
const PULL_MS_MAX = 20_000;
/** One that nobody pulls from goes: one that was left behind, or that of a node that is gone. */
const IDLE_MS_MAX = 30_000;

/** Codes of what the server says beside messages. */
const Status = { heartbeat: 100, timeout: 408, ended: 409 } as const;
/** A question whether it is there: it takes no message, and is answered behind the pull under way. */
const QUESTION: Limits = { batch: 1, max_bytes: 1 };
/** A pull that has ended although the consumer is well. */
const ENDED = /exceeds maxbytes|batch completed/i;

export interface ConsumerStart {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly stream: string;
  readonly from: number;
  /** In the order in which it was delivered, with none missing. */
  onMessage(message: Delivered): void;
  /** The pull is over; `isTooLarge`: the next message alone is larger than what was asked for. */
  onEnd(isTooLarge: boolean): void;
  /** Nothing is heard of it, and it was asked whether it is there. It may speak again, or go. */
  onSilence(): void;
  /** It is of no use any more. */
  onGone(why: string): void;
}

export interface Limits {
  readonly batch: number;
  /** Undefined: any. */
  readonly max_bytes?: number;
}

export class Consumer {
  /** How many messages were behind the last one when that was sent. */
  pending = 0;
  readonly #start: ConsumerStart;
  readonly #inbox = createInbox();
  readonly #name: string;
  readonly #subscription: Subscription;
  readonly #watch: NodeJS.Timeout;
  #delivery = 0;
  /** How many the pull under way may still bring; 0: there is none. */
  #asked = 0;
  /** The pull under way has brought nothing yet. */
  #isFresh = false;
  #heardMs = 0;
  #isSilent = false;
  #isConnected = true;
  #isOver = false;

  private constructor(start: ConsumerStart) {
    this.#start = start;
    this.#name = this.#inbox.slice(this.#inbox.indexOf('.') + 1);
    // Before it is made, so that nothing that it sends is missed.
    this.#subscription = start.nats.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (this.#isOver) return;
        if (error === null) this.#take(message);
        else this.#gone(messageOf(error));
      },
    });
    this.#watch = setInterval(() => this.#look(), LOOK_MS);
  }

  /** Throws errors of NATS. */
  static async make(start: ConsumerStart): Promise<Consumer> {
    const consumer = new Consumer(start);
    try {
      const info = await start.manager.consumers.add(start.stream, configOf(consumer.#name, start.from));
      consumer.pending = info.num_pending;
      return consumer;
    } catch (error) {
      consumer.#leave();
      throw error;
    }
  }

  get isPulling(): boolean {
    return this.#asked > 0;
  }

  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** To be called while it is not pulling. */
  pull(limits: Limits): void {
    this.#asked = limits.batch;
    this.#isFresh = true;
    this.#isSilent = false;
    this.#heardMs = performance.now();
    this.#request(limits, 'pull');
  }

  /** Nothing is to be expected of it for now. */
  disconnected(): void {
    this.#isConnected = false;
  }

  /** There is a new connection: what the old pull would have brought does not come. */
  connected(): void {
    this.#isConnected = true;
    this.#asked = 0;
  }

  /** Nothing more comes of it. */
  stop(): void {
    if (this.#isOver) return;
    this.#leave();
    // It goes by itself, but later.
    this.#start.manager.consumers.delete(this.#start.stream, this.#name).catch(() => {});
  }

  #leave(): void {
    this.#isOver = true;
    clearInterval(this.#watch);
    this.#subscription.unsubscribe();
  }

  #gone(why: string): void {
    this.stop();
    this.#start.onGone(why);
  }

  #request(limits: Limits, what: 'pull' | 'question'): void {
    const { nats, stream } = this.#start;
    const times = { expires: nanos(PULL_MS_MAX), idle_heartbeat: nanos(HEARTBEAT_MS) };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${this.#name}`;
    nats.publish(subject, JSON.stringify({ ...limits, ...times }), { reply: `${this.#inbox}.${what}` });
  }

  #take(message: Msg): void {
    this.#heardMs = performance.now();
    this.#isSilent = false;
    const delivered = deliveredOf(message);
    if (delivered === undefined) {
      this.#hear(message);
      return;
    }
    if (delivered.delivery !== this.#delivery + 1) {
      this.#gone('a message was lost on its way');
      return;
    }
    this.#delivery += 1;
    this.#asked = Math.max(0, this.#asked - 1);
    this.#isFresh = false;
    this.pending = delivered.pending;
    this.#start.onMessage(delivered);
  }

  /** What the server says about the pull, or in reply to a question. */
  #hear({ headers, subject }: Msg): void {
    const isPull = subject.endsWith('.pull');
    const code = headers?.code ?? 0;
    const description = headers?.description ?? '';
    if (code === Status.heartbeat) {
      const last = Number(headers?.get('Nats-Last-Consumer') || 0);
      if (last > this.#delivery) this.#gone('a message was lost on its way');
    } else if (code === Status.timeout || (code === Status.ended && ENDED.test(description))) {
      if (!isPull && code === Status.timeout) return;
      const isTooLarge = isPull && code === Status.ended && this.#isFresh;
      this.#asked = 0;
      this.#start.onEnd(isTooLarge);
    } else this.#gone(`${code} ${description}`);
  }

  #look(): void {
    if (this.#asked === 0 || !this.#isConnected) return;
    const silentMs = performance.now() - this.#heardMs;
    if (silentMs < (this.#isSilent ? GONE_MS_MAX : SILENCE_MS_MAX)) return;
    if (this.#isSilent) {
      this.#gone('its server is silent');
      return;
    }
    this.#isSilent = true;
    this.#heardMs = performance.now();
    this.#request(QUESTION, 'question');
    this.#start.onSilence();
  }
}

function configOf(name: string, from: number): Partial<ConsumerConfig> {
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
