import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rest } from '../../src/server/rest.ts';

function emptied(rest: Rest): Buffer {
  const target = Buffer.alloc(rest.bytes + 7, 0xee);
  const end = rest.moveTo(target, 3);
  expect(target.subarray(0, 3)).toEqual(Buffer.alloc(3, 0xee));
  expect(target.subarray(end)).toEqual(Buffer.alloc(target.length - end, 0xee));
  return target.subarray(3, end);
}

describe('the rest', () => {
  test('gives back nothing when it is empty', () => {
    const rest = new Rest();
    expect(rest.bytes).toBe(0);
    expect(emptied(rest)).toEqual(Buffer.alloc(0));
  });

  test('gives back what was put in, in order, however it was cut', () => {
    const chunkArbitrary = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 10 }),
      fc.uint8Array({ minLength: 200, maxLength: 2_000 }),
    );
    const stepArbitrary = fc.oneof(
      { weight: 4, arbitrary: chunkArbitrary },
      { weight: 1, arbitrary: fc.constantFrom('move' as const, 'clear' as const) },
    );
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 30 }), steps => {
        const rest = new Rest();
        let model = Buffer.alloc(0);
        for (const step of steps) {
          if (step === 'clear') {
            rest.clear();
            model = Buffer.alloc(0);
          } else if (step === 'move') {
            expect(emptied(rest).equals(model)).toBe(true);
            model = Buffer.alloc(0);
          } else {
            rest.append(Buffer.from(step));
            model = Buffer.concat([model, step]);
          }
          expect(rest.bytes).toBe(model.length);
        }
        expect(emptied(rest).equals(model)).toBe(true);
        expect(rest.bytes).toBe(0);
      }),
    );
  });

  test('takes the end of a chunk only', () => {
    for (const from of [0, 1, 300, 999, 1_000]) {
      const chunk = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index & 0xff));
      const rest = new Rest();
      rest.append(chunk, from);
      expect(rest.bytes).toBe(1_000 - from);
      rest.append(Buffer.from('more'), 2);
      expect(emptied(rest)).toEqual(Buffer.concat([chunk.subarray(from), Buffer.from('re')]));
    }
  });

  test('never writes into a chunk that it was given', () => {
    const whole = Buffer.alloc(4_000, 0x61);
    const rest = new Rest();
    rest.append(whole.subarray(0, 2_000));
    rest.append(Buffer.from('bbbb'));
    expect(whole).toEqual(Buffer.alloc(4_000, 0x61));
  });

  test('does not copy all of it again for every byte', () => {
    const rest = new Rest();
    const byte = Buffer.of(0x61);
    const startMs = performance.now();
    for (let count = 0; count < 200_000; count++) rest.append(byte);
    expect(rest.bytes).toBe(200_000);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});
