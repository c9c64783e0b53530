/** Payouts that wait: a stream of JetStream, with a lane for urgent ones. Each is there until it is acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, nanos } from '@nats-io/transport-node';
import { pay } from './pay.ts';

export type Payout = { id: string; user: string; amount: number; delayMs: number };

/** What has not been acknowledged within this time is given to another worker. */
const VISIBLE_MS = 1_000;
const IDLE_MS = 1_000;
const TRIES_MAX = 4;
const BACKOFF_MS = 50;
const WORKERS_MAX = 8;
const PAYOUTS_PER_WORKER = 10;
const LOOK_EVERY_MS = 100;

export async function openQueue(url: string, bank: URL) {
  const connection = await connect({ servers: url, maxReconnectAttempts: -1 });
  const manager = await jetstreamManager(connection);
  const stream = jetstream(connection);
  await manager.streams.add({ name: 'PAYOUTS', subjects: ['payouts.*'], retention: 'workqueue' });
  await manager.streams.add({ name: 'DEAD', subjects: ['dead'] });
  for (const lane of ['urgent', 'usual']) {
    await manager.consumers.add('PAYOUTS', {
      durable_name: lane,
      filter_subject: `payouts.${lane}`,
      ack_policy: 'explicit',
      ack_wait: nanos(VISIBLE_MS),
    });
    void staff(await stream.consumers.get('PAYOUTS', lane));
  }
  /** Resolves when it is in the stream; the same id is there once. */
  const put = (subject: string, payout: Payout) =>
    stream.publish(subject, JSON.stringify(payout), { msgID: payout.id });
  const count = async (name: string) => (await manager.streams.info(name)).state.messages;
  return { put, counts: async () => ({ waiting: await count('PAYOUTS'), dead: await count('DEAD') }) };

  /** More workers, the deeper the lane is. Each is there until nothing waits. */
  async function staff(consumer: Consumer): Promise<void> {
    let workers = 0;
    // One that has no answer from the queue leaves, too; another one comes.
    const leave = () => {
      workers -= 1;
    };
    for (; ; await sleep(LOOK_EVERY_MS)) {
      const info = await consumer.info().catch(() => undefined);
      const wanted = 1 + Math.floor((info?.num_pending ?? 0) / PAYOUTS_PER_WORKER);
      for (; workers < Math.min(WORKERS_MAX, wanted); workers += 1) void work(consumer).then(leave, leave);
    }
  }

  async function work(consumer: Consumer): Promise<void> {
    const next = () => consumer.next({ expires: IDLE_MS });
    for (let message = await next(); message !== null; message = await next())
      await attempt(message, message.json());
  }

  async function attempt(message: JsMsg, payout: Payout): Promise<void> {
    const { id: key, user, amount, delayMs } = payout;
    // That it came before its time is no try.
    const tries = message.info.deliveryCount - Math.sign(delayMs);
    if (tries === 0) return message.nak(delayMs);
    const beat = setInterval(() => message.working(), VISIBLE_MS / 3);
    const isPaid = tries <= TRIES_MAX && (await pay(bank, { user, amount, key }));
    clearInterval(beat);
    const backoffMs = BACKOFF_MS * 2 ** (tries + Math.random());
    if (!isPaid && tries < TRIES_MAX) return message.nak(Math.round(backoffMs));
    if (!isPaid) await put('dead', payout);
    message.ack();
  }
}
