/**
 * A server reads its settings again and again under load: right ones, broken ones and ones that may not change. No
 * client may notice, and the money must be exact afterwards.
 */
import { expect } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { randomFrom } from '../../src/tools/load/random.ts';
import { askBalances, askMetrics } from './asking.ts';
import { Configured } from './configured.ts';
import { Load, pickSeed } from './load.ts';

const CONNECTIONS = 6;

export interface ReloadFigures {
  reloads: number;
  /** Those that had to be refused, and were. */
  refused: number;
  accepted: number;
  serverBusy: number;
  lost: number;
  wrongReplies: number;
  /** From the signal to the line in the log. */
  tookMs: number[];
}

/** `path` is where the file is written. */
export async function reloadUnderLoad(
  path: string,
  reloads: number,
  onReload: (done: number) => void = () => {},
): Promise<ReloadFigures> {
  const seed = pickSeed();
  const what = `TALLY_TEST_SEED=${seed}`;
  const random = randomFrom(seed);
  const configured = await Configured.start(path, '', ['--workers', '2', '--ring', '1024']);
  const { server } = configured;
  const control = await Client.open(server.port);
  const load = await Load.start({
    ...{ port: server.port, seed, connections: CONNECTIONS, users: 20, depth: 64 },
    ...{ waitPercent: 20, balancePercent: 10 },
  });
  const figures = { reloads, refused: 0, tookMs: [] as number[] };
  for (let done = 1; done <= reloads; done += 1) {
    const [text, wanted] = nextFile(random, done);
    const startMs = performance.now();
    const said = await configured.reload(text);
    figures.tookMs.push(performance.now() - startMs);
    expect(said, `${what}: ${text}`).toMatchObject(wanted);
    if (wanted.event === 'reload_failed') figures.refused += 1;
    onReload(done);
  }

  const tally = await load.stop();
  expect(tally, what).toMatchObject({ unknown: 0, other: 0, shuttingDown: 0, wrong: [] });
  const accepted = load.accepted();
  expect(await askBalances(server.port, [...accepted.keys()]), what).toEqual([...accepted.values()]);
  const metrics = await askMetrics(control);
  expect(metrics, what).toMatchObject({
    ...{ connections_refused: 0, closed_blocked: 0, closed_partial: 0, closed_idle: 0, worker_deaths: 0 },
    ...{ queued: 0, processed: tally.accepted, dropped: tally.serverBusy },
  });
  control.close();
  const { exitCode, ledger } = await server.stop();
  expect({ exitCode, ...ledger }, what).toMatchObject({
    ...{ exitCode: 0, processed: tally.accepted, lost: 0, lateWakes: 0 },
    // The balances were asked for on one more.
    connections: CONNECTIONS + 2,
  });
  return {
    ...{ accepted: tally.accepted, serverBusy: tally.serverBusy, lost: ledger!.lost },
    ...{ ...figures, wrongReplies: tally.wrong.length },
  };
}

/** A file, and what the log has to say of it. Each differs from the one before. */
function nextFile(random: () => number, done: number): [string, Record<string, unknown>] {
  const among = (least: number, most: number) => Math.floor(least + random() * (most - least));
  // Room for all, and time for all: so whoever is refused, or closed, is so by mistake.
  const right = [
    `connections-max = ${100 + done}`,
    `turn-ms-max = ${among(1, 20)}`,
    `unsent-bytes-max = ${among(16_384, 2 ** 20)}`,
    `idle-ms-max = ${among(0, 2) * among(60_000, 120_000)}`,
    `partial-ms-max = ${among(60_000, 120_000)}`,
    `blocked-ms-max = ${among(60_000, 120_000)}`,
    `keepalive-ms = ${among(0, 60_000)}`,
    `log-level = "${['error', 'warn', 'info', 'debug'][among(0, 4)]}"`,
    `drain-ms-min = ${among(0, 100)}`,
    `debug-requests = ${random() < 0.5}`,
  ].join('\n');
  const kind = random();
  if (kind < 0.15)
    return [`${right}\nring = "`, { event: 'reload_failed', reason: expect.stringMatching(/^FILE:11:8: /) }];
  if (kind < 0.3)
    return [
      `${right}\nconections-max = 1`,
      { event: 'reload_failed', reason: expect.stringMatching(/^FILE:11: /) },
    ];
  if (kind < 0.45)
    return [
      `${right}\nbacklog = ${100 + done}`,
      { event: 'reload_failed', reason: expect.stringContaining('restart') },
    ];
  return [right, { event: 'reloaded', changes: { 'connections-max': [expect.any(Number), 100 + done] } }];
}
