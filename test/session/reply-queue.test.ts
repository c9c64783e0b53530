import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Position } from '../../src/engine/position.ts';
import type { Transport } from '../../src/net/transport.ts';
import { ReplyQueue } from '../../src/session/reply-queue.ts';
import { Scheduler } from '../../src/session/scheduler.ts';

const LARGE = 65_536;
const BYTES_MAX = 100;
/** Sends, and has leave what may. */
function say(queue: ReplyQueue, bytes: Buffer | undefined, inputBytes?: number): void {
  if (bytes !== undefined) queue.send(bytes);
  queue.flush(inputBytes);
}

/** A reply that waits for a position, behind `before`. */
function hold(queue: ReplyQueue, before?: Buffer): Position {
  const position = new Position(1);
  if (before !== undefined) queue.send(before);
  queue.sendBalance(position);
  return position;
}

const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;

/** A reply queue on a transport that only notes what is written. */
function queueOn(turns = new Scheduler({ turnMsMax: 2 })) {
  const written: string[] = [];
  const noted = { goOns: 0, unread: 0 };
  const transport = {
    get unsentBytes() {
      return noted.unread;
    },
    write: (lines: Buffer) => void written.push(lines.toString()),
  };
  const owner = {
    advance: () => {
      noted.goOns += 1;
    },
  };
  return {
    queue: new ReplyQueue(transport as unknown as Transport, turns, { unsentBytesMax: BYTES_MAX }, owner),
    written,
    noted,
  };
}

describe('a reply queue', () => {
  test('has an open transfer until all are decided, in whatever order', () => {
    const { queue } = queueOn();
    const positions = [1, 2, 3].map(sequence => new Position(sequence));
    hold(queue);
    expect(queue.hasOpenTransfer).toBe(false);
    for (const position of positions) queue.sendBalance(position, true);
    for (const at of [2, 0, 1]) {
      expect(queue.hasOpenTransfer).toBe(true);
      positions[at]!.reach(0);
    }
    expect(queue.hasOpenTransfer).toBe(false);
  });

  test('sends replies to small input at once, those to large input at the end of the turn', async () => {
    const { queue, written } = queueOn();
    say(queue, Buffer.from('small\n'), 4_096);
    expect(written).toEqual(['small\n']);
    say(queue, Buffer.from('large\n'), 4_097);
    expect(written).toEqual(['small\n']);
    await nextTurn();
    expect(written).toEqual(['small\n', 'large\n']);
    await nextTurn();
    expect(written).toHaveLength(2);
  });

  test('counts other input as small where it is told to', async () => {
    const { queue, written } = queueOn();
    for (const bytes of [512, 513]) {
      queue.send(Buffer.from(`${bytes}\n`));
      queue.flush(bytes, 512);
    }
    expect(written).toEqual(['512\n']);
    await nextTurn();
    expect(written).toEqual(['512\n', '513\n']);
  });

  test('keeps the order when more is sent while replies are kept', async () => {
    const { queue, written } = queueOn();
    say(queue, Buffer.from('1\n'), LARGE);
    say(queue, Buffer.from('2\n'), 10);
    say(queue, Buffer.from('3\n'), LARGE);
    say(queue, Buffer.from('4\n'), LARGE);
    say(queue, undefined, LARGE);
    await nextTurn();
    say(queue, Buffer.from('5\n'));
    expect(written.join('')).toBe('1\n2\n3\n4\n5\n');
  });

  test('keeps the order when a reply waits for a worker, and is answered in the same turn or later', async () => {
    for (const isLater of [false, true]) {
      const { queue, written } = queueOn();
      say(queue, Buffer.from('1\n'), LARGE);
      const position = hold(queue, Buffer.from('2\n'));
      say(queue, Buffer.from('4\n'), LARGE);
      say(queue, Buffer.from('5\n'), 10);
      expect(queue.isWaiting).toBe(true);
      if (isLater) {
        await nextTurn();
        expect(written.join('')).toBe('1\n2\n');
      }
      position.reach(3);
      await Promise.resolve();
      expect(written.join('')).toBe(`1\n2\n${ok(3)}4\n5\n`);
      await nextTurn();
      await nextTurn();
      expect(written.join('')).toBe(`1\n2\n${ok(3)}4\n5\n`);
      expect([queue.isWaiting, queue.isEmpty]).toEqual([false, true]);
    }
  });

  test('counts what is kept, held, and unread, and is full of them', async () => {
    const { queue, noted } = queueOn();
    expect([queue.isEmpty, queue.isFull, queue.roomBytes]).toEqual([true, false, BYTES_MAX]);
    say(queue, Buffer.alloc(60, 'k'), LARGE);
    expect([queue.isEmpty, queue.isFull, queue.roomBytes]).toEqual([false, false, 40]);
    noted.unread = 39;
    expect([queue.isFull, queue.roomBytes]).toEqual([false, 1]);
    const position = hold(queue);
    expect(queue.isFull).toBe(true);
    noted.unread = 0;
    position.reach(1);
    await nextTurn();
    expect([queue.isEmpty, queue.isFull, queue.roomBytes]).toEqual([true, false, BYTES_MAX]);
  });

  test('has its owner go on when it was full of what it kept', async () => {
    const { queue, noted } = queueOn();
    say(queue, Buffer.alloc(BYTES_MAX), LARGE);
    expect([queue.isFull, noted.goOns]).toEqual([true, 0]);
    await nextTurn();
    expect([queue.isFull, noted.goOns]).toEqual([false, 1]);
  });

  test('flushes what is kept before the end of the turn, once', async () => {
    const { queue, written } = queueOn();
    say(queue, Buffer.from('kept\n'), LARGE);
    queue.writeKept();
    queue.writeKept();
    expect(written).toEqual(['kept\n']);
    await nextTurn();
    expect(written).toEqual(['kept\n']);
  });

  test('writes nothing once it is closed, whatever was kept or held, and the others send', async () => {
    const turns = new Scheduler({ turnMsMax: 2 });
    const gone = queueOn(turns);
    const other = queueOn(turns);
    say(gone.queue, Buffer.from('kept\n'), LARGE);
    const position = hold(gone.queue);
    say(other.queue, Buffer.from('other\n'), LARGE);
    gone.queue.close();
    position.reach(1);
    say(gone.queue, Buffer.from('late\n'), LARGE);
    say(gone.queue, Buffer.from('late\n'));
    await nextTurn();
    expect(gone.written).toEqual([]);
    expect(gone.noted.goOns).toBe(0);
    expect(other.written).toEqual(['other\n']);
  });
});
