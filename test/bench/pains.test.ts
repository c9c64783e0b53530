import { expect, test } from 'vitest';
import type { BenchRecord } from '../../bench/bench.ts';
import { runBench } from '../support/bench.ts';

test('the bench of the pains keeps the figure of each verdict', async () => {
  const { exitCode, stdout, stderr } = await runBench(['--small', '--json', '-', 'pains']);
  expect(exitCode, stderr).toBe(0);
  const [record] = JSON.parse(stdout) as BenchRecord[];
  const found = record!.measures.map(({ subject, samples }) => [subject, ...samples]);
  expect(found).toEqual([
    ['pain 8, step 8', 0],
    ['pain 8, step 9', 100],
    ['pain 8, step 10', 100],
    ['pain 8, src', 100],
  ]);
}, 60_000);
