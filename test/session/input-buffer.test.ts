import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { BlockPool, InputBuffer } from '../../src/session/input-buffer.ts';

function emptied(input: InputBuffer): Buffer {
  const target = Buffer.alloc(input.bytes + 7, 0xee);
  const end = 3 + input.bytes;
  input.moveTo(target, 3);
  expect(input.bytes).toBe(0);
  expect(target.subarray(0, 3)).toEqual(Buffer.alloc(3, 0xee));
  expect(target.subarray(end)).toEqual(Buffer.alloc(target.length - end, 0xee));
  return target.subarray(3, end);
}

describe('the input buffer', () => {
  test('gives back nothing when it is empty', () => {
    const input = new InputBuffer(new BlockPool());
    expect(input.bytes).toBe(0);
    expect(emptied(input)).toEqual(Buffer.alloc(0));
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
        const input = new InputBuffer(new BlockPool());
        let model = Buffer.alloc(0);
        for (const step of steps) {
          if (step === 'clear') {
            input.clear();
            model = Buffer.alloc(0);
          } else if (step === 'move') {
            expect(emptied(input).equals(model)).toBe(true);
            model = Buffer.alloc(0);
          } else {
            input.append(Buffer.from(step));
            model = Buffer.concat([model, step]);
          }
          expect(input.bytes).toBe(model.length);
        }
        expect(emptied(input).equals(model)).toBe(true);
        expect(input.bytes).toBe(0);
      }),
    );
  });

  test('keeps nothing of the memory that it was given', () => {
    for (const bytes of [1, 256, 2_000, 70_000]) {
      const chunk = Buffer.alloc(bytes, 0x61);
      const input = new InputBuffer(new BlockPool());
      input.append(chunk);
      input.append(Buffer.from('bbbb'));
      expect(chunk.equals(Buffer.alloc(bytes, 0x61))).toBe(true);
      chunk.fill(0x63);
      expect(emptied(input).toString()).toBe(`${'a'.repeat(bytes)}bbbb`);
    }
  });

  test('does not copy all of it again for every byte', () => {
    const input = new InputBuffer(new BlockPool());
    const byte = Buffer.of(0x61);
    const startMs = performance.now();
    for (let count = 0; count < 200_000; count++) input.append(byte);
    expect(input.bytes).toBe(200_000);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  test('uses a large block again, that of another too', () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow');
    try {
      for (const bytes of [16_384, 20_000, 65_536, 70_000, 16_000]) {
        const pool = new BlockPool();
        const [first, second, third] = [new InputBuffer(pool), new InputBuffer(pool), new InputBuffer(pool)];
        first.append(Buffer.alloc(bytes, 1));
        expect(emptied(first).equals(Buffer.alloc(bytes, 1))).toBe(true);
        // From here on each has the block that the one before has left.
        allocate.mockClear();
        second.append(Buffer.alloc(bytes, 2));
        second.clear();
        third.append(Buffer.alloc(bytes - 1, 3));
        expect(allocate).not.toHaveBeenCalled();
        expect(emptied(third).equals(Buffer.alloc(bytes - 1, 3))).toBe(true);
      }
    } finally {
      allocate.mockRestore();
    }
  });

  test('has its block for itself: what others that live at the same time hold never mixes with it', () => {
    const RESTS = 4;
    const bytesArbitrary = fc.oneof(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 15_000, max: 18_000 }),
      fc.integer({ min: 30_000, max: 70_000 }),
    );
    const stepArbitrary = fc.record({
      which: fc.nat(RESTS - 1),
      what: fc.oneof(
        { weight: 4, arbitrary: bytesArbitrary },
        { weight: 2, arbitrary: fc.constantFrom('move' as const, 'clear' as const) },
      ),
    });
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 40 }), steps => {
        const pool = new BlockPool();
        const rests = Array.from({ length: RESTS }, () => new InputBuffer(pool));
        const models: Buffer[] = Array.from({ length: RESTS }, () => Buffer.alloc(0));
        const expectEmptied = (which: number) => {
          expect(emptied(rests[which]!).equals(models[which]!)).toBe(true);
          models[which] = Buffer.alloc(0);
        };
        for (const [number, { which, what }] of steps.entries()) {
          if (what === 'move') {
            expectEmptied(which);
          } else if (what === 'clear') {
            rests[which]!.clear();
            models[which] = Buffer.alloc(0);
          } else {
            // Each step has bytes of its own.
            const bytes = Buffer.alloc(what, number + 1);
            rests[which]!.append(bytes);
            models[which] = Buffer.concat([models[which]!, bytes]);
          }
        }
        for (const which of rests.keys()) expectEmptied(which);
      }),
    );
  });
});
