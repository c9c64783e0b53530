import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OVERFLOWED } from '../../src/engine/balances.ts';
import type { Asker } from '../../src/engine/lane.ts';
import { HeldReplies } from '../../src/session/pending-replies.ts';

const ok = (balance: number) => `{"status":"ok","balance":${balance}}\n`;
const text = (lines: Buffer | undefined) => lines?.toString('utf8');

function heldReplies() {
  let told = 0;
  const held = new HeldReplies(() => {
    told += 1;
  });
  return { held, told: () => told };
}

describe('held replies', () => {
  test('give nothing while there is nothing', () => {
    const { held } = heldReplies();
    expect(held.isEmpty).toBe(true);
    expect(held.bytes).toBe(0);
    expect(held.take()).toBeUndefined();
  });

  test('give what comes before the first open answer, and keep the rest', () => {
    const { held } = heldReplies();
    held.push(Buffer.from('one\n'));
    const place = held.hold();
    held.push(Buffer.from('three\n'));
    expect(text(held.take())).toBe('one\n');
    expect(held.take()).toBeUndefined();
    place.answer(2);
    expect(text(held.take())).toBe(`${ok(2)}three\n`);
    expect(held.isEmpty).toBe(true);
  });

  test('stay in order though answers come out of order', () => {
    const { held } = heldReplies();
    const places = [1, 2, 3].map(() => held.hold());
    places[2]!.answer(3);
    places[1]!.answer(2);
    expect(held.take()).toBeUndefined();
    places[0]!.answer(1);
    expect(text(held.take())).toBe(ok(1) + ok(2) + ok(3));
  });

  test('say an answer as it is on the wire', () => {
    const { held } = heldReplies();
    for (const balance of [0, -5, 2 ** 53 - 1, -(2 ** 53 - 1), OVERFLOWED]) held.hold().answer(balance);
    expect(text(held.take())).toBe(
      `${ok(0) + ok(-5) + ok(9007199254740991) + ok(-9007199254740991)}{"status":"rejected","reason":"balance_overflow"}\n`,
    );
  });

  test('give up the place kept last', () => {
    const { held } = heldReplies();
    held.push(Buffer.from('one\n'));
    held.hold();
    held.unhold();
    expect(held.bytes).toBe(4);
    expect(text(held.take())).toBe('one\n');
    expect(held.isEmpty).toBe(true);
  });

  test('tell soon that answers came, once for all that came together', async () => {
    const { held, told } = heldReplies();
    const places = [1, 2, 3].map(() => held.hold());
    for (const place of places.slice(0, 2)) place.answer(1);
    expect(told()).toBe(0);
    await Promise.resolve();
    expect(told()).toBe(1);
    places[2]!.answer(1);
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
        const { held } = heldReplies();
        const model: { line: string | undefined }[] = [];
        const open: { place: Asker; entry: { line: string | undefined } }[] = [];
        let balance = 0;
        const take = () => {
          const end = model.findIndex(({ line }) => line === undefined);
          const ready = model.splice(0, end === -1 ? model.length : end);
          const wanted = ready.length === 0 ? undefined : ready.map(({ line }) => line).join('');
          expect(text(held.take())).toBe(wanted);
        };
        for (const step of steps) {
          if (step === 'take') take();
          else if (step === 'hold') {
            const entry: { line: string | undefined } = { line: undefined };
            open.push({ place: held.hold(), entry });
            model.push(entry);
          } else if ('push' in step) {
            held.push(Buffer.from(step.push));
            model.push({ line: step.push });
          } else {
            const answered = open.splice(step.answer, 1)[0];
            if (answered === undefined) continue;
            answered.place.answer(++balance);
            answered.entry.line = ok(balance);
          }
          expect(held.isEmpty).toBe(model.length === 0);
          if (model.length > 0) expect(held.bytes).toBeGreaterThan(0);
        }
        for (const { place, entry } of open) {
          place.answer(0);
          entry.line = ok(0);
        }
        take();
        expect(held.isEmpty).toBe(true);
        expect(held.bytes).toBe(0);
      }),
    );
  });
});
