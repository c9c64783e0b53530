/**
 * The abuse of a server, with another client's health measured meanwhile.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, until } from './client.ts';
import { startServer } from './server.ts';

const ABUSERS = fileURLToPath(new URL('./abusers.ts', import.meta.url));
const PROBE_MS = 5;

export interface AbuseReport {
  healthAnswers: number;
  healthP99Ms: number;
  healthMaxMs: number;
  /** Peak over what it was before the abuse; undefined where there is no /proc. */
  memoryGrowthMiB: number | undefined;
  abusers: Record<string, number>;
  exitCode: number | null;
  lost: number | undefined;
}

export async function abuse(seconds: number): Promise<AbuseReport> {
  const server = await startServer();
  const client = await Client.open(server.port);
  // Warm, as any server that serves is.
  for (let probe = 0; probe < 200; probe++) await client.ask('{"type":"health"}\n');
  const before = residentMiB(server.pid);
  const peak = { mib: before ?? 0 };
  let isOver = false;
  const attack = promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    ABUSERS,
    String(server.port),
    String(seconds),
  ]).finally(() => {
    isOver = true;
  });
  const latency = createHistogram();
  let healthAnswers = 0;
  while (!isOver) {
    const startMs = performance.now();
    const answer = await client.ask('{"type":"health"}\n');
    if (answer !== '{"status":"ok"}') throw new Error(`health said ${answer}`);
    latency.record(Math.max(1, Math.round((performance.now() - startMs) * 1e6)));
    healthAnswers += 1;
    peak.mib = Math.max(peak.mib, residentMiB(server.pid) ?? 0);
    await sleep(PROBE_MS);
  }
  const { stdout } = await attack;
  await until(
    async () => (await client.ask('{"type":"health"}\n')) === '{"status":"ok"}',
    'health after the abuse',
  );
  const { exitCode, ledger } = await server.stop();
  return {
    healthAnswers,
    healthP99Ms: latency.percentile(99) / 1e6,
    healthMaxMs: latency.max / 1e6,
    memoryGrowthMiB: before === undefined ? undefined : peak.mib - before,
    abusers: JSON.parse(stdout) as Record<string, number>,
    exitCode,
    lost: ledger?.lost,
  };
}

/** Resident memory of a process; undefined where there is no /proc. */
export function residentMiB(pid: number): number | undefined {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kib === undefined ? undefined : Number(kib) / 1024;
  } catch {
    return undefined;
  }
}
