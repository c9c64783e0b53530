/**
 * The server under abuse, in small: the bounds that hold on a machine that runs other tests at the same time.
 * The figures that are promised are checked by the long runs, alone (test/long/abuse.test.ts).
 */
import { expect, test } from 'vitest';
import { abuse } from '../support/abuse.ts';

test('clients that flood, never read, never end a line and reset do not bring it down', async () => {
  const report = await abuse(6);
  console.log(report);
  expect(report.abusers.sentBytes).toBeGreaterThan(10_000_000);
  expect(report.abusers.endlessBytes).toBeGreaterThan(10_000_000);
  expect(report.abusers.resets).toBeGreaterThan(1_000);
  expect(report.healthAnswers).toBeGreaterThan(50);
  expect(report.healthMaxMs).toBeLessThan(1_000);
  expect(report.memoryGrowthMiB ?? 0).toBeLessThan(200);
  expect({ exitCode: report.exitCode, lost: report.lost }).toEqual({ exitCode: 0, lost: 0 });
});
