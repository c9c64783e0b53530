/** Settings that change while clients are connected: what runs by the old values goes on by the new ones. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { readSettings } from '../../src/config/read.ts';
import { Log } from '../../src/log.ts';
import type { Receiver, Transport } from '../../src/net/transport.ts';
import { assemble } from '../../src/server/assemble.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { HEALTH } from '../support/asking.ts';

const UNSENT_BYTES_MAX = 16_384;
const flags = [
  '--workers',
  '1',
  '--ring',
  '8',
  '--users',
  '8',
  '--unsent-bytes-max',
  String(UNSENT_BYTES_MAX),
];
const settings = readSettings([...flags, '--log-level', 'error'], {});
const before = { ...settings };
const { sessions } = assemble(settings, new Log(settings, process.stdout));
const { clients } = sessions;

/** A client that reads nothing of what it is sent. */
class Unread implements Transport {
  readonly address = '127.0.0.1';
  unsentBytes = 0;
  isPaused = false;
  isClosed = false;
  #receiver: Receiver | undefined;

  constructor() {
    sessions.accept(this);
  }

  say(text: string): void {
    const receiver = this.#receiver!;
    receiver.received(new TextEncoder().encodeInto(text, receiver.nextRead).written);
  }

  open(receiver: Receiver): void {
    this.#receiver = receiver;
    receiver.opened([]);
  }

  write(bytes: Uint8Array): void {
    this.unsentBytes += bytes.length;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {}

  close(): void {
    if (!this.isClosed) this.#receiver!.closed();
    this.isClosed = true;
  }

  destroy(): void {
    this.close();
  }

  /** Asks until so much is unread, or the server reads no more. */
  async fill(bytes = Number.POSITIVE_INFINITY): Promise<void> {
    while (!this.isPaused && this.unsentBytes < bytes) {
      this.say(HEALTH.repeat(10));
      await nextTurn();
    }
  }
}

const change = (changes: Partial<typeof settings>) => {
  Object.assign(settings, changes);
  sessions.settingsChanged();
};

afterEach(() => {
  sessions.destroy();
  Object.assign(settings, before);
  for (const why of ['closed_idle', 'closed_blocked', 'closed_partial'] as const) clients[why] = 0;
});

describe('room for unread replies', () => {
  test('that becomes larger lets a client that filled it go on, and not be closed', async () => {
    change({ blockedMsMax: 60 });
    const client = new Unread();
    await client.fill();
    expect(client.unsentBytes).toBeGreaterThanOrEqual(UNSENT_BYTES_MAX);
    change({ unsentBytesMax: 2 * UNSENT_BYTES_MAX });
    await until(() => !client.isPaused, 'the server to read on');
    const other = new Unread();
    await other.fill();
    await until(() => clients.closed_blocked > 0, 'a client that is full to be closed');
    expect([client.isClosed, other.isClosed]).toEqual([false, true]);
  });

  test('that becomes smaller than what is unread stops the reading at once', async () => {
    const client = new Unread();
    await client.fill(UNSENT_BYTES_MAX / 2);
    expect(client.isPaused).toBe(false);
    change({ unsentBytesMax: UNSENT_BYTES_MAX / 4 });
    expect(client.isPaused).toBe(true);
  });
});

describe('how long a client may be idle', () => {
  test('begins for those that are connected when there was no limit', async () => {
    const client = new Unread();
    change({ idleMsMax: 30 });
    await until(() => client.isClosed, 'it to be closed');
    expect(clients.closed_idle).toBe(1);
  });

  test('counts from what they said last, and ends with a limit of 0', async () => {
    change({ idleMsMax: 3_600_000 });
    const [early, spared] = [new Unread(), new Unread()];
    change({ idleMsMax: 20 });
    await until(() => early.isClosed && spared.isClosed, 'both to be closed');
    const late = new Unread();
    change({ idleMsMax: 0 });
    await new Promise(resolve => setTimeout(resolve, 60));
    expect([late.isClosed, clients.closed_idle]).toEqual([false, 2]);
  });
});

test('how long a line may take becomes shorter for one that has begun', async () => {
  const client = new Unread();
  client.say(HEALTH.slice(0, 5));
  change({ partialMsMax: 20 });
  await until(() => client.isClosed, 'it to be closed');
  expect(clients.closed_partial).toBe(1);
});

test('clients that are gone, or have been hung up on, get no deadline anew', async () => {
  const [gone, ended] = [new Unread(), new Unread()];
  gone.close();
  ended.say('GET / HTTP/1.1\r\n');
  expect(clients.closed_http).toBe(1);
  change({ idleMsMax: 10 });
  await new Promise(resolve => setTimeout(resolve, 40));
  expect(clients.closed_idle).toBe(0);
});
