import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Outbox } from '../../src/session/reply-queue.ts';
import { Turns } from '../../src/session/scheduler.ts';

const LARGE = 65_536;
const BYTES_MAX = 100;
const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;

/** An outbox on a socket that only notes what is written. */
function outboxOn(turns = new Turns(2)) {
  const written: string[] = [];
  const noted = { goOns: 0, unread: 0 };
  const socket = {
    get writableLength() {
      return noted.unread;
    },
    write: (lines: Buffer) => void written.push(lines.toString()),
  };
  const owner = {
    goOn: () => {
      noted.goOns += 1;
    },
  };
  return { outbox: new Outbox(socket as unknown as Socket, turns, BYTES_MAX, owner), written, noted };
}

describe('an outbox', () => {
  test('sends replies to small input at once, those to large input at the end of the turn', async () => {
    const { outbox, written } = outboxOn();
    outbox.send(Buffer.from('small\n'), 100);
    expect(written).toEqual(['small\n']);
    outbox.send(Buffer.from('large\n'), LARGE);
    expect(written).toEqual(['small\n']);
    await nextTurn();
    expect(written).toEqual(['small\n', 'large\n']);
    await nextTurn();
    expect(written).toHaveLength(2);
  });

  test('keeps the order when more is sent while replies are kept', async () => {
    const { outbox, written } = outboxOn();
    outbox.send(Buffer.from('1\n'), LARGE);
    outbox.send(Buffer.from('2\n'), 10);
    outbox.send(Buffer.from('3\n'), LARGE);
    outbox.send(Buffer.from('4\n'), LARGE);
    outbox.send(undefined, LARGE);
    await nextTurn();
    outbox.send(Buffer.from('5\n'));
    expect(written.join('')).toBe('1\n2\n3\n4\n5\n');
  });

  test('keeps the order when a reply waits for a worker, and is answered in the same turn or later', async () => {
    for (const isLater of [false, true]) {
      const { outbox, written } = outboxOn();
      outbox.send(Buffer.from('1\n'), LARGE);
      const asker = outbox.hold(Buffer.from('2\n'));
      outbox.send(Buffer.from('4\n'), LARGE);
      outbox.send(Buffer.from('5\n'), 10);
      expect(outbox.isWaiting).toBe(true);
      if (isLater) {
        await nextTurn();
        expect(written.join('')).toBe('1\n2\n');
      }
      asker.answer(3);
      await Promise.resolve();
      expect(written.join('')).toBe(`1\n2\n${ok(3)}4\n5\n`);
      await nextTurn();
      await nextTurn();
      expect(written.join('')).toBe(`1\n2\n${ok(3)}4\n5\n`);
      expect([outbox.isWaiting, outbox.isEmpty]).toEqual([false, true]);
    }
  });

  test('counts what is kept, held, and unread, and is full of them', async () => {
    const { outbox, noted } = outboxOn();
    expect([outbox.isEmpty, outbox.isFull, outbox.roomBytes]).toEqual([true, false, BYTES_MAX]);
    outbox.send(Buffer.alloc(60, 'k'), LARGE);
    expect([outbox.isEmpty, outbox.isFull, outbox.roomBytes]).toEqual([false, false, 40]);
    noted.unread = 39;
    expect([outbox.isFull, outbox.roomBytes]).toEqual([false, 1]);
    const asker = outbox.hold(undefined);
    expect(outbox.isFull).toBe(true);
    noted.unread = 0;
    asker.answer(1);
    await nextTurn();
    expect([outbox.isEmpty, outbox.isFull, outbox.roomBytes]).toEqual([true, false, BYTES_MAX]);
  });

  test('has its owner go on when it was full of what it kept', async () => {
    const { outbox, noted } = outboxOn();
    outbox.send(Buffer.alloc(BYTES_MAX), LARGE);
    expect([outbox.isFull, noted.goOns]).toEqual([true, 0]);
    await nextTurn();
    expect([outbox.isFull, noted.goOns]).toEqual([false, 1]);
  });

  test('flushes what is kept before the end of the turn, once', async () => {
    const { outbox, written } = outboxOn();
    outbox.send(Buffer.from('kept\n'), LARGE);
    outbox.flush();
    outbox.flush();
    expect(written).toEqual(['kept\n']);
    await nextTurn();
    expect(written).toEqual(['kept\n']);
  });

  test('writes nothing once it is closed, whatever was kept or held, and the others send', async () => {
    const turns = new Turns(2);
    const gone = outboxOn(turns);
    const other = outboxOn(turns);
    gone.outbox.send(Buffer.from('kept\n'), LARGE);
    const asker = gone.outbox.hold(undefined);
    other.outbox.send(Buffer.from('other\n'), LARGE);
    gone.outbox.close();
    asker.answer(1);
    gone.outbox.send(Buffer.from('late\n'), LARGE);
    gone.outbox.send(Buffer.from('late\n'));
    await nextTurn();
    expect(gone.written).toEqual([]);
    expect(gone.noted.goOns).toBe(0);
    expect(other.written).toEqual(['other\n']);
  });
});
