/** Steps 3 to 10 judge a line as the contract does: as the oracle of the fuzzer says, line by line. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stepOf } from '../../steps/kit/manifest.ts';
import { Choices, LineMaker } from '../support/lines.ts';
import { pickSeed } from '../support/load.ts';
import { KIND_NAMES, oracle, topLevelKeys, type Verdict } from '../support/oracle.ts';
import { error } from './wire/script.ts';

const LINES = 20_000;
/** From which step on a type is known. */
const KNOWN_FROM = new Map([
  ['health', 3],
  ['balance', 4],
  ['metrics', 9],
]);

const fileOf = (step: number) => new URL(`../../steps/${stepOf(step).folder}/event.ts`, import.meta.url);

/** What `parse` of a step must return. */
function expectedOf(verdict: Verdict, line: Buffer, step: number): unknown {
  const { user, amount, isWaiting } = verdict;
  const kind = KIND_NAMES[verdict.kind]!;
  if (kind === 'invalidJson') return `${error('invalid_json')}\n`;
  const type = typeOf(line);
  if (type !== undefined && step < (KNOWN_FROM.get(type) ?? Number.POSITIVE_INFINITY))
    return `${error('unknown_type')}\n`;
  // No step knows `detail`, so it may come twice.
  if (type === 'metrics') return { type };
  if (kind === 'invalidEvent') return `${error('invalid_event')}\n`;
  if (kind === 'health') return { type };
  if (kind === 'balance') return { type, user: user.toString() };
  return { type: 'event', user: user.toString(), amount, wait: isWaiting };
}

/** The type, where a line has one and no other beside it. */
function typeOf(line: Buffer): string | undefined {
  const text = line.toString();
  if (!/^[\s]*\{/.test(text)) return undefined;
  const types = topLevelKeys(text).filter(key => key === 'type');
  const { type } = JSON.parse(text) as { type: unknown };
  return types.length === 1 && typeof type === 'string' ? type : undefined;
}

/** Steps with the same letters are one. */
const judges = new Map<string, number>();
for (let step = 3; step <= 10; step++) {
  const text = readFileSync(fileOf(step), 'utf8');
  if (!judges.has(text)) judges.set(text, step);
}

describe.each([...judges.values()])('the judge of step %i, and of the steps that have the same', step => {
  test('agrees with the oracle on every line', async () => {
    const { parse } = (await import(fileOf(step).href)) as { parse: (line: Buffer) => unknown };
    const seed = pickSeed();
    const maker = new LineMaker(Choices.seeded(seed));
    for (let made = 1; made <= LINES; made++) {
      const line = maker.next();
      const expected = JSON.stringify(expectedOf(oracle(line, true), line, step));
      const said = JSON.stringify(parse(line));
      if (said !== expected)
        expect.fail(
          `TALLY_TEST_SEED=${seed}, line ${made}, ${JSON.stringify(line.toString('latin1'))}: ${said}, not ${expected}`,
        );
    }
  });
});
