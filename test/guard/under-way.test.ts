import { describe, expect, test } from 'vitest';
import { UnderWay } from '../../src/guard/under-way.ts';

/** Counts how often something was begun, and is told how it ends. */
function underWay() {
  const seen = { begun: 0, done: 0 };
  let end: (answer: string) => void = () => {};
  const all = new UnderWay<string>(() => {
    seen.done += 1;
  });
  const begin = () => {
    seen.begun += 1;
    return new Promise<string>(resolve => {
      end = resolve;
    });
  };
  return { all, seen, begin, end: (answer: string) => end(answer) };
}

describe('a command that takes its time', () => {
  test('has no answer until it is done, is begun once, and is told once', async () => {
    const { all, seen, begin, end } = underWay();
    expect(all.answer('line', begin)).toBeUndefined();
    expect(all.answer('line', begin)).toBeUndefined();
    end('yes');
    await Promise.resolve();
    expect(seen).toEqual({ begun: 1, done: 1 });
    expect(all.answer('line', begin)).toEqual({ is: 'yes' });
    // The same line once more is another command.
    expect(all.answer('line', begin)).toBeUndefined();
    expect(seen.begun).toBe(2);
  });

  test('leaves no answer behind that is forgotten, or that another line gets', async () => {
    const { all, seen, begin, end } = underWay();
    all.answer('line', begin);
    end('yes');
    await Promise.resolve();
    all.forget();
    expect(all.answer('line', begin)).toBeUndefined();
    end('yes, again');
    await Promise.resolve();
    expect(all.answer('other', () => 'at once')).toEqual({ is: 'at once' });
    expect(seen).toEqual({ begun: 2, done: 2 });
  });
});

test('what is answered at once is not waited for', () => {
  const { all, seen } = underWay();
  expect(all.answer('line', () => 'now')).toEqual({ is: 'now' });
  expect(all.answer('line', () => 'now, too')).toEqual({ is: 'now, too' });
  expect(seen.done).toBe(0);
});
