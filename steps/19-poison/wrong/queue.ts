/** Payouts that wait: a stream of JetStream. Each is there until it is acknowledged. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Consumer, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, nanos } from '@nats-io/transport-node';
import { pay } from './pay.ts';

export type Payout = { id: string; user: string; amount: number };

/** What has not been acknowledged within this time is given to another worker. */
const VISIBLE_MS = 1_000;
const IDLE_MS = 1_000;
/** The bank may be well again by then. */
const PAUSE_MS = 50;

export async function openQueue(url: string, bank: URL, acksFirst: boolean) {
  const connection = await connect({ servers: url, maxReconnectAttempts: -1 });
  const manager = await jetstreamManager(connection);
  const stream = jetstream(connection);
  await manager.streams.add({ name: 'PAYOUTS', subjects: ['payouts'], retention: 'workqueue' });
  await manager.consumers.add('PAYOUTS', {
    durable_name: 'workers',
    ack_policy: 'explicit',
    ack_wait: nanos(VISIBLE_MS),
  });
  void work(await stream.consumers.get('PAYOUTS', 'workers'));
  /** Resolves when it is in the stream; the same id is there once. */
  const put = (payout: Payout) => stream.publish('payouts', JSON.stringify(payout), { msgID: payout.id });
  const count = async (name: string) => (await manager.streams.info(name)).state.messages;
  return { put, counts: async () => ({ waiting: await count('PAYOUTS'), dead: 0 }) };

  async function work(consumer: Consumer): Promise<void> {
    for (;;) {
      // Where the queue is silent, it is asked again.
      const message = await consumer.next({ expires: IDLE_MS }).catch(() => null);
      if (message === null) continue;
      if (acksFirst) await message.ackAck().catch(() => {});
      if (await pay(bank, message.json())) message.ack();
      else {
        message.nak();
        await sleep(PAUSE_MS);
      }
    }
  }
}
