import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OVERFLOWED, refusal } from '../../src/engine/deciding.ts';
import { Commit, Position } from '../../src/engine/position.ts';
import { Outcome } from '../../src/protocol/outcome.ts';
import { PendingReplies } from '../../src/session/pending-replies.ts';

const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;
const text = (lines: Buffer | undefined) => lines?.toString('utf8');

function pendingReplies() {
  let told = 0;
  const pending = new PendingReplies(() => {
    told += 1;
  });
  let sequence = 0;
  const hold = () => {
    const position = new Position(++sequence);
    pending.pushBalance(position);
    return position;
  };
  return { pending, hold, told: () => told };
}

describe('pending replies', () => {
  test('give nothing while there is nothing', () => {
    const { pending } = pendingReplies();
    expect(pending.isEmpty).toBe(true);
    expect(pending.bytes).toBe(0);
    expect(pending.take()).toBeUndefined();
  });

  test('give what comes before the first open answer, and keep the rest', () => {
    const { pending, hold } = pendingReplies();
    pending.push(Buffer.from('one\n'));
    const place = hold();
    pending.push(Buffer.from('three\n'));
    expect(text(pending.take())).toBe('one\n');
    expect(pending.take()).toBeUndefined();
    place.reach(2);
    expect(text(pending.take())).toBe(`${ok(2)}three\n`);
    expect(pending.isEmpty).toBe(true);
  });

  test('stay in order though answers come out of order', () => {
    const { pending, hold } = pendingReplies();
    const places = [1, 2, 3].map(() => hold());
    places[2]!.reach(3);
    places[1]!.reach(2);
    expect(pending.take()).toBeUndefined();
    places[0]!.reach(1);
    expect(text(pending.take())).toBe(ok(1) + ok(2) + ok(3));
  });

  test('say an answer as it is on the wire', () => {
    const { pending, hold } = pendingReplies();
    for (const balance of [0, -5, 2 ** 53 - 1, -(2 ** 53 - 1), OVERFLOWED]) hold().reach(balance);
    for (const outcome of [Outcome.serverBusy, Outcome.insufficientBalance]) hold().reach(refusal(outcome));
    expect(text(pending.take())).toBe(
      `${ok(0) + ok(-5) + ok(9007199254740991) + ok(-9007199254740991)}{"status":"rejected","reason":"balance_overflow"}\n{"status":"rejected","reason":"server_busy"}\n{"status":"rejected","reason":"insufficient_balance"}\n`,
    );
  });

  test('keep bytes until their commit is reached, too', () => {
    const { pending } = pendingReplies();
    const commit = new Commit();
    commit.extend();
    pending.push(Buffer.from('durable\n'), commit);
    pending.push(Buffer.from('later\n'));
    commit.reach();
    expect(pending.take()).toBeUndefined();
    commit.reach();
    expect(text(pending.take())).toBe('durable\nlater\n');
    expect([pending.isEmpty, pending.bytes]).toEqual([true, 0]);
  });

  test('change the lines that a commit says must be others', () => {
    const { pending } = pendingReplies();
    const commit = new Commit();
    pending.push(Buffer.from('one\ntwo\nthree\nfour\n'), commit);
    for (const line of [3, 0, 2]) commit.change(line, Outcome.idReused);
    commit.reach();
    const reused = '{"status":"rejected","reason":"id_reused"}\n';
    expect(text(pending.take())).toBe(`${reused}two\n${reused}${reused}`);
  });

  test('tell soon that answers came, once for all that came together', async () => {
    const { hold, told } = pendingReplies();
    const places = [1, 2, 3].map(() => hold());
    for (const place of places.slice(0, 2)) place.reach(1);
    expect(told()).toBe(0);
    await Promise.resolve();
    expect(told()).toBe(1);
    places[2]!.reach(1);
    await Promise.resolve();
    expect(told()).toBe(2);
  });

  test('do, in any order of pushes, answers and takes, what a list would do', () => {
    const stepArbitrary = fc.oneof(
      fc.record({ push: fc.string({ maxLength: 20 }).map(line => `${line}\n`) }),
      fc.constant('hold' as const),
      fc.record({ answer: fc.nat(5) }),
      fc.constant('take' as const),
    );
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 60 }), steps => {
        const { pending, hold } = pendingReplies();
        const model: { line: string | undefined }[] = [];
        const open: { place: Position; entry: { line: string | undefined } }[] = [];
        let balance = 0;
        const take = () => {
          const end = model.findIndex(({ line }) => line === undefined);
          const ready = model.splice(0, end === -1 ? model.length : end);
          const wanted = ready.length === 0 ? undefined : ready.map(({ line }) => line).join('');
          expect(text(pending.take())).toBe(wanted);
        };
        for (const step of steps) {
          if (step === 'take') take();
          else if (step === 'hold') {
            const entry: { line: string | undefined } = { line: undefined };
            open.push({ place: hold(), entry });
            model.push(entry);
          } else if ('push' in step) {
            pending.push(Buffer.from(step.push));
            model.push({ line: step.push });
          } else {
            const answered = open.splice(step.answer, 1)[0];
            if (answered === undefined) continue;
            answered.place.reach(++balance);
            answered.entry.line = ok(balance);
          }
          expect(pending.isEmpty).toBe(model.length === 0);
          if (model.length > 0) expect(pending.bytes).toBeGreaterThan(0);
        }
        for (const { place, entry } of open) {
          place.reach(0);
          entry.line = ok(0);
        }
        take();
        expect(pending.isEmpty).toBe(true);
        expect(pending.bytes).toBe(0);
      }),
    );
  });
});
