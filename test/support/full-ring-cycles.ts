/**
 * The server is stopped while its ring is full, again and again.
 *
 * Events that cost nothing never fill a ring of 65,536 by themselves: a worker applies them faster than the socket
 * thread takes them in. So the workers are frozen until the ring is full, and stay so until the signal has come: then
 * it is full for certain. What the exit takes counts from the signal, so it holds the moment until the thaw, too.
 */
import { expect } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { ACCEPTED, BUSY, balanceRequest, buyLine, FREEZE, HEALTHY, okLine, THAW } from './asking.ts';
import { pickSeed } from './load.ts';
import { startServer } from './server.ts';

const METRICS = '{"type":"metrics","detail":true}\n';
const SLOTS = 65_536;
/** A few more, which must be refused: so the ring is full. */
const EXTRA = 10;
const USERS = 10_000;
const AUDITED = 20;

export interface FullRingFigures {
  cycles: number;
  accepted: number;
  lost: number;
  wrongReplies: number;
  exitMs: number[];
}

export async function stopWhenFull(
  cycles: number,
  onCycle: (done: number) => void = () => {},
): Promise<FullRingFigures> {
  const figures: FullRingFigures = { cycles, accepted: 0, lost: 0, wrongReplies: 0, exitMs: [] };
  const firstSeed = pickSeed();
  for (let cycle = 0; cycle < cycles; cycle++) {
    await stopOnce(firstSeed + cycle, figures);
    onCycle(cycle + 1);
  }
  return figures;
}

async function stopOnce(seed: number, figures: FullRingFigures): Promise<void> {
  const what = `TALLY_TEST_SEED=${seed}`;
  const random = randomFrom(seed);
  const server = await startServer(['--workers', '1', '--ring', String(SLOTS), '--debug-requests']);
  const control = await Client.open(server.port);
  const client = await Client.open(server.port);
  // They hang up when the server does; one that stays would have it wait for the grace period.
  for (const { socket } of [control, client]) socket.on('end', () => socket.end());
  expect(await control.ask(FREEZE)).toBe(HEALTHY);
  const sums = new Array<number>(USERS).fill(0);
  const lines: string[] = [];
  for (let event = 0; event < SLOTS + EXTRA; event++) {
    const user = Math.floor(random() * USERS);
    const amount = 1 + Math.floor(random() * 1_000);
    if (event < SLOTS) sums[user]! += amount;
    lines.push(buyLine(`u${user}`, amount));
  }
  client.send(lines.join(''));
  const replies = await client.lines(lines.length);
  const wrong = replies.filter((reply, event) => reply !== (event < SLOTS ? ACCEPTED : BUSY)).length;
  expect(wrong, `${what}: of ${SLOTS} accepted and ${EXTRA} server_busy, so many were something else`).toBe(
    0,
  );

  const startMs = performance.now();
  server.process.kill('SIGTERM');
  await until(() => server.events.some(({ event }) => event === 'draining'), 'the server to drain');
  const { ring_depths } = JSON.parse(await control.ask(METRICS)) as { ring_depths: number[] };
  expect(ring_depths, `${what}: full when the signal came`).toEqual([SLOTS]);
  const audited = Array.from({ length: AUDITED }, () => Math.floor(random() * USERS));
  control.send(THAW + audited.map(user => balanceRequest(`u${user}`)).join(''));
  const answers = await control.lines(1 + AUDITED);
  expect(answers, what).toEqual([HEALTHY, ...audited.map(user => okLine(sums[user]!))]);
  const { exitCode, ledger } = await server.exited;
  figures.exitMs.push(performance.now() - startMs);
  expect({ exitCode, ...ledger }, what).toMatchObject({
    exitCode: 0,
    received: SLOTS + EXTRA,
    processed: SLOTS,
    dropped: EXTRA,
    lost: 0,
    lateWakes: 0,
  });
  figures.accepted += SLOTS;
  figures.lost += ledger!.lost;
  figures.wrongReplies += wrong;
  client.close();
  control.close();
}
