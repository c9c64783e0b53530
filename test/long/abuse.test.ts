import { expect, test } from 'vitest';
import { abuse } from '../support/abuse.ts';

test('under abuse memory stays within 150 MiB of the start and others are answered within 10 ms', async () => {
  const report = await abuse(20);
  console.log(report);
  expect(report.abusers.resets).toBe(10_000);
  expect(report.healthAnswers).toBeGreaterThan(1_000);
  expect(report.healthP99Ms).toBeLessThan(10);
  expect(report.healthMaxMs).toBeLessThan(1_000);
  expect(report.memoryGrowthMiB ?? 0).toBeLessThan(150);
  expect({ exitCode: report.exitCode, lost: report.lost }).toEqual({ exitCode: 0, lost: 0 });
});
