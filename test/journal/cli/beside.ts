/** Readers of a journal beside a server that writes it: again and again, in the suite a few times, in the long run more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { askBalances } from '../../support/asking.ts';
import { runCli } from '../../support/server.ts';
import { Buyers, balancesOf, freshFolder, pay, purchases, serve, verdictOf } from './folder.ts';

const BETWEEN_MS = 200;

/** Each copy is whole, and has all that was acknowledged before, and nothing that was not sent. The last one is served. */
export async function backUpBeside(workers: string, keep: string, rounds: number): Promise<void> {
  const data = freshFolder();
  const copies = freshFolder();
  const server = await serve(data, '--workers', workers, '--journal-keep', keep);
  const buyers = await Buyers.start(server.port, 8);
  for (let round = 0; round < rounds; round++) {
    await sleep(BETWEEN_MS);
    const to = `${copies}/${round}`;
    const before = [...buyers.acknowledged];
    const { exitCode, stderr } = await runCli(['backup', data, to, ...(round % 2 ? ['--all'] : [])]);
    const after = [...buyers.sent];
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const balances = await balancesOf(to);
    before.forEach((acknowledged, at) => {
      const balance = balances[`buyer${at}`] ?? 0;
      expect(balance).toBeGreaterThanOrEqual(acknowledged);
      expect(balance).toBeLessThanOrEqual(after[at]!);
    });
    expect(await verdictOf(to)).toMatchObject({ whole: true, running: false });
  }
  await buyers.stop();
  await server.stop();

  const last = `${copies}/${rounds - 1}`;
  const balances = await balancesOf(last);
  const restored = await serve(last, '--workers', '2');
  const users = Object.keys(balances);
  expect(await askBalances(restored.port, users)).toEqual(Object.values(balances));
  await pay(restored.port, ...purchases(100, 1));
  await restored.stop();
  expect(await balancesOf(last)).toEqual({ ...balances, u0: 100 });
}

/** What is whole is called so, and all that was acknowledged before is in the balances. */
export async function verifyBeside(keep: string, rounds: number): Promise<void> {
  const data = freshFolder();
  const server = await serve(data, '--workers', '2', '--journal-keep', keep);
  const buyers = await Buyers.start(server.port, 8);
  for (let round = 0; round < rounds; round++) {
    const acknowledged = [...buyers.acknowledged];
    const verdict = await verdictOf(data);
    expect(verdict).toMatchObject({ exitCode: 0, whole: true, running: true, damage: [] });
    const balances = await balancesOf(data);
    acknowledged.forEach((events, at) => {
      expect(balances[`buyer${at}`] ?? 0).toBeGreaterThanOrEqual(events);
    });
  }
  await buyers.stop();
  await server.stop();
  const balances = await balancesOf(data);
  expect(buyers.acknowledged.map((_, at) => balances[`buyer${at}`])).toEqual(buyers.acknowledged);
}
