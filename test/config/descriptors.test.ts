/** How many connections are taken by default where the system says how many descriptors there are, or does not. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { descriptorLimit } from '../../src/config/descriptors.ts';
import { THIS_MACHINE } from '../../src/config/machine.ts';
import { readSettings } from '../../src/config/read.ts';

/** What /proc/self/limits holds; undefined: there is no such file. */
const limits = vi.hoisted(() => ({ text: undefined as string | undefined }));

vi.mock('node:fs', async original => ({
  ...(await original<object>()),
  readFileSync: (path: string) => {
    if (path !== '/proc/self/limits' || limits.text === undefined) throw new Error(`ENOENT: ${path}`);
    return limits.text;
  },
}));

const row = (soft: string) =>
  `Limit Soft Hard Units\nMax open files            ${soft}    ${soft}    files\n`;
const report = (soft: unknown) =>
  vi
    .spyOn(process.report!, 'getReport')
    .mockReturnValue((soft === undefined ? {} : { userLimits: { open_files: { soft } } }) as never);

const connectionsMax = (...flags: string[]) =>
  readSettings(flags, {}, { ...THIS_MACHINE, descriptors: descriptorLimit() }).connectionsMax;

afterEach(() => {
  limits.text = undefined;
  vi.restoreAllMocks();
});

describe('without --connections-max', () => {
  test.each([
    ['as many as there are descriptors for, by /proc', row('1024'), undefined, 1024 - 64],
    ['the default, where /proc says there is no limit', row('unlimited'), undefined, 10_000],
    ['the default, where /proc says nothing of it', 'Limit Soft Hard Units\n', undefined, 10_000],
    [
      'as many as there are descriptors for, by the report, where there is no /proc',
      undefined,
      512,
      512 - 64,
    ],
    ['the default, where the report says there is no limit', undefined, 'unlimited', 10_000],
    ['the default, where the report has no limits', undefined, undefined, 10_000],
    ['one, where there are nearly none', row('65'), undefined, 1],
  ])('the server takes %s', (_, text, soft, connections) => {
    limits.text = text;
    report(soft);
    expect(connectionsMax('--workers', '1')).toBe(connections);
  });

  test('each worker has some of its own, and so has HTTP with its connections', () => {
    limits.text = row('1024');
    expect(connectionsMax('--workers', '16', '--http', '0')).toBe(1024 - 64 - 4 * 15 - 40);
  });
});
