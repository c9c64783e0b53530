/**
 * What the load generator itself costs: one of its threads beside a client in C, which does no more than a client
 * must, in turn, on the same server with a fixed reply. Where the generator keeps up, its figures are the server's.
 * It notes every event's money and time meanwhile; the client in C only compares bytes. Processor time is the
 * clients' here, not the server's.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { FLOOR } from './subjects.ts';
import {
  CONNECTIONS,
  checkLoad,
  depthsOf,
  figuresOf,
  MEASURED_MS,
  measure,
  planOf,
  ROUNDS,
} from './trial.ts';

const execute = promisify(execFile);

/** Compiled, this file lies in dist; the source in C stays where it is. */
const SOURCE = fileURLToPath(new URL('../../../bench/peers/client.c', import.meta.url));
const COMPILE_MS_MAX = 60_000;
/** Beyond its own time, for connecting and for silence. */
const CLIENT_MS_SPARE = 10_000;
const C_CLIENT = 'client in C';
const GENERATOR = 'load generator, 1 thread';

export const bench: Bench = {
  name: 'client',
  about: 'The load generator beside a client in C, on a server with a fixed reply, by depth',
  async run(size, say) {
    const folder = mkdtempSync(join(tmpdir(), 'tally-bench-client-'));
    const remove = () => rmSync(folder, { recursive: true, force: true });
    process.on('exit', remove);
    try {
      const client = join(folder, 'client');
      if (!(await compile(client, say))) return [];
      return await compare(client, size, say);
    } finally {
      process.off('exit', remove);
      remove();
    }
  },
};

/** False: there is no compiler here. */
async function compile(program: string, say: (line: string) => void): Promise<boolean> {
  const compiler = process.env.CC || 'cc';
  try {
    await execute(compiler, ['-O2', '-o', program, SOURCE], { timeout: COMPILE_MS_MAX });
    return true;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code !== 'ENOENT') throw new Error(`${compiler} can't compile ${SOURCE}: ${stderr || String(error)}`);
    say(`${compiler} is not installed, so there is no client in C to compare with, and there are no figures`);
    return false;
  }
}

/** The server is not what is measured, so one does for all: both clients meet the same, as warm as the other. */
async function compare(client: string, size: Size, say: (line: string) => void): Promise<Measure[]> {
  const server = await FLOOR.start();
  try {
    const measures: Measure[] = [];
    for (const depth of depthsOf(size)) {
      say(`depth ${depth}`);
      const condition = `depth ${depth}`;
      const trials: Trial[] = [
        { subject: C_CLIENT, condition, run: () => runClient(client, server.port, depth, size) },
        { subject: GENERATOR, condition, run: () => runGenerator(server.port, depth, size) },
      ];
      measures.push(...(await alternate(ROUNDS[size], trials, say)));
    }
    return measures;
  } finally {
    await server.stop();
  }
}

async function runClient(client: string, port: number, depth: number, size: Size): Promise<Figure[]> {
  const args = [port, CONNECTIONS, depth, MEASURED_MS[size] / 1_000].map(String);
  const { stdout } = await execute(client, args, { timeout: MEASURED_MS[size] + CLIENT_MS_SPARE });
  const found = JSON.parse(stdout) as { sent: number; answered: number; ratePerS: number; cpuS: number };
  if (found.sent !== found.answered || found.sent === 0)
    throw new Error(`the client in C: ${found.answered} of ${found.sent} lines answered`);
  return figuresOf({ result: found, cpuS: found.cpuS }, 'event');
}

async function runGenerator(port: number, depth: number, size: Size): Promise<Figure[]> {
  const load = { subject: GENERATOR, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
  const measured = await measure(planOf(port, FLOOR, load, size), ownCpuSeconds);
  checkLoad(measured.result, FLOOR);
  return figuresOf(measured, 'event');
}

/** The generator's threads are threads of this process, which does nothing else meanwhile. */
function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
