/** Keys that stand twice in an object of JSON are found, and no others. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { repeatedKey } from '../../src/security/repeated-key.ts';

describe('a key that stands twice', () => {
  test.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":{"a":1},"b":[{"c":1},{"c":2}]}', undefined],
    ['{"a":[{"b":"\\"b\\":","b" \t: {}}]}', 'b'],
    ['{"\\\\":1,"\\u005c":2}', '\\'],
    ['["a","a",{"a":"a"}]', undefined],
    ['"a"', undefined],
    ['7', undefined],
  ])('%s', (json, key) => expect(repeatedKey(json)).toBe(key));

  test('is found in no text that JSON.stringify writes, and wherever one is put', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, key) => {
        expect(repeatedKey(JSON.stringify(value))).toBeUndefined();
        const again = JSON.stringify(key);
        expect(
          repeatedKey(
            JSON.stringify({ value, key: [0] }).replace(
              '[0]',
              () => `{${again}:[{}],"x${again.slice(1)}:{},${again} :1}`,
            ),
          ),
        ).toBe(key);
      }),
    );
  });
});
