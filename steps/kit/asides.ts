/** Additional measurements for two pains: an alternative, measured on the steps of this repository. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { count } from '../../src/cli/terminal/numbers.ts';
import type { Server } from '../../src/tools/harness/server.ts';
import { createCounters, PROCESSED, total } from '../09-lock-free-metrics/counters.ts';
import { sourceFlags, startStep } from './server.ts';
import type { Say } from './witnesses/witness.ts';

export interface Aside {
  title: string;
  run(say: Say): Promise<void>;
}

export function asideOf(pain: number): Aside | undefined {
  if (pain === 5)
    return {
      title:
        'Beside it, for 10 to 30 s: the same step with the bound off, and 64 MiB of heap (memory has more in it).',
      run: unbounded,
    };
  if (pain === 8) return { title: 'Beside it: the three ways of counting of step 9.', run: threeWays };
  return undefined;
}

const FLOODED_MS_MAX = 40_000;
const BOUNDED_MS = 1_500;
const REPORT_EVERY_MS = 500;

/** Floods step 5 with its bound for a while, then without it until it runs out of memory. */
async function unbounded(say: Say): Promise<void> {
  const settings = { workUs: 1_000, queue: 1024 };
  const heap = ['--max-old-space-size=64'];
  say('with the bound:');
  await flooded(await startStep(5, settings, [], heap), BOUNDED_MS, say);
  say('without it, until it dies:');
  await flooded(await startStep(5, settings, ['--unbounded'], heap), FLOODED_MS_MAX, say);
}

async function flooded(server: Server, limitMs: number, say: Say): Promise<void> {
  const replies = { accepted: 0, refused: 0 };
  const chunk = '{"user":"flood","action":"buy","amount":1}\n'.repeat(500);
  const socket = connect(server.port, server.host).on('error', () => {});
  const send = () => {
    while (!server.hasEnded && socket.writable && socket.write(chunk));
  };
  socket.on('connect', send).on('drain', send);
  socket.setEncoding('latin1').on('data', (text: string) => {
    replies.accepted += text.split('"accepted"').length - 1;
    replies.refused += text.split('"server_busy"').length - 1;
  });
  const report = () => {
    const mib = residentMiB(server);
    if (mib > 0)
      say(`  ${count(replies.accepted)} accepted, ${count(replies.refused)} refused, ${mib} MiB in memory`);
  };
  try {
    for (const startMs = performance.now(); performance.now() - startMs < limitMs; ) {
      await Promise.race([server.ended, sleep(REPORT_EVERY_MS)]);
      if (server.hasEnded) break;
      report();
    }
    if (!server.hasEnded) {
      say(`  after ${limitMs / 1_000} s it still lives`);
      return;
    }
    const { exitCode, signal } = await server.ended;
    const reason = /FATAL ERROR: (.*)/.exec(server.output())?.[1];
    say(
      `  it has died, with ${signal ?? `exit code ${exitCode}`}${reason === undefined ? '' : `: ${reason}`}`,
    );
  } finally {
    socket.destroy();
    await server.stop();
  }
}

/** 0 of a process that is just ending. */
function residentMiB({ pid }: Server): number {
  const { stdout } = spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return Math.round(Number(stdout) / 1_024);
}

const THREADS = 4;
/** Enough that start and stop do not matter, and few enough that the lock takes a second at most. */
const TIMES: Record<string, number> = { lock: 50_000, shared: 1_000_000, padded: 1_000_000 };
/** The best round counts: the cost without other work of the machine. */
const ROUNDS = 3;

async function threeWays(say: Say): Promise<void> {
  for (const [way, times] of Object.entries(TIMES)) {
    let bestMs = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round += 1)
      bestMs = Math.min(bestMs, await countedMs(way, times, THREADS));
    const ns = count((bestMs / times) * 1e6);
    say(
      `  ${way.padEnd(8)}${ns.padStart(8)} ns a count, ${THREADS} threads at a time, best of ${ROUNDS} rounds`,
    );
  }
}

/** `threads` threads count `times` times each. Returns the time of the slowest. */
export async function countedMs(way: string, times: number, threads: number): Promise<number> {
  const counters = createCounters(way, threads);
  const go = new Int32Array(new SharedArrayBuffer(4));
  const file = new URL(import.meta.url.replace(/asides(\.\w+)$/, 'counting$1'));
  const execArgv = file.href.endsWith('.ts') ? sourceFlags() : [];
  const workers = Array.from(
    { length: threads },
    (_, thread) => new Worker(file, { execArgv, workerData: { counters, thread, times, go } }),
  );
  await Promise.all(workers.map(worker => once(worker, 'message')));
  const elapsed = Promise.all(workers.map(async worker => Number((await once(worker, 'message'))[0])));
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
  const slowestMs = Math.max(...(await elapsed));
  if (total(counters, PROCESSED) !== threads * times) throw new Error(`counting with ${way} lost counts`);
  return slowestMs;
}
