/**
 * The benches' side of the client in C (client.c): it is compiled once a bench, run with the same plan as the load
 * generator, and its money is checked in the same way. Its report is verified: it counts the answered lines of each
 * user, and the balances are read from the server and compared.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkMoney, type Expected, moneyLine } from '../../src/tools/load/money.ts';
import type { LoadPlan } from '../../src/tools/load/plan.ts';
import type { Subject } from './subjects.ts';
import { difference, type MeasuredLoad, SpoiltError, USERS } from './trial.ts';

const execute = promisify(execFile);

/** Compiled, this file lies in dist; the sources in C stay where they are. */
const SOURCES = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '.' : '../../../bench/peers', import.meta.url),
);
const COMPILE_MS_MAX = 60_000;
/** Beyond its own time, for connecting and for silence. */
const CLIENT_MS_SPARE = 10_000;
/** Ten thousand amounts. */
const OUTPUT_BYTES_MAX = 2 ** 20;
/** As far as a refusal differs from other replies: the end of it may not have come yet. */
const REFUSAL = '{"status":"rej';

/** What it prints. */
interface Report {
  lines: number;
  answered: number;
  ratePerS: number;
  cpuS: number;
  amounts: number[];
}

/** Runs the work with the compiled client; if it can't be compiled, says why, and the program is undefined. */
export function withClientInC<Found>(
  say: (line: string) => void,
  work: (program: string | undefined) => Promise<Found>,
): Promise<Found> {
  return withProgramInC('client.c', say, work);
}

/** The same with another program of this folder; `more` are flags of the compiler. */
export async function withProgramInC<Found>(
  source: string,
  say: (line: string) => void,
  work: (program: string | undefined) => Promise<Found>,
  more: readonly string[] = [],
): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'tally-bench-client-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', remove);
  try {
    const program = join(folder, 'client');
    return await work((await compile(join(SOURCES, source), program, say, more)) ? program : undefined);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

async function compile(
  source: string,
  program: string,
  say: (line: string) => void,
  more: readonly string[] = [],
): Promise<boolean> {
  const compiler = process.env.CC || 'cc';
  const goWithout = (why: string) => {
    say(`${why}, so there are no figures of the client in C`);
    return false;
  };
  if (process.platform !== 'linux') return goWithout('epoll is of Linux only');
  try {
    await execute(compiler, ['-O2', '-pthread', '-o', program, source, ...more], { timeout: COMPILE_MS_MAX });
    return true;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') return goWithout(`${compiler} is not installed`);
    throw new Error(`${compiler} can't compile ${source}: ${stderr || String(error)}`);
  }
}

/** What a program is told, and what it does to balances. */
interface Doing {
  /** The first argument; the protocol by default. */
  kind?: string;
  /** Users whose balance each line changes; 1 by default. */
  users?: number;
  /** The balances that the server has, if it is not new. */
  before?: Float64Array;
  /** What each connection says first that it has. */
  token?: string | undefined;
  /** Where the balances are asked for, if not at the port of the load. */
  moneyPort?: number | undefined;
}

/** One closed loop, as `measure` runs it with the load generator; checks answers and money. */
export async function measureInC(
  program: string,
  plan: LoadPlan,
  server: Subject,
  cpuSeconds: () => number | undefined,
  {
    kind = plan.protocol,
    users = 1,
    before = new Float64Array(USERS),
    token,
    moneyPort = plan.port,
  }: Doing = {},
): Promise<MeasuredLoad<Pick<Report, 'answered' | 'ratePerS' | 'amounts'>>> {
  const { port, connections, pipeline, warmupMs, durationMs = 0 } = plan;
  const args = [kind, port, connections, pipeline, warmupMs / 1_000, durationMs / 1_000].map(String);
  if (token !== undefined) args.push(token);
  // If the bench is ended meanwhile the server is too, and a client that was hung up on ends.
  const running = execute(program, args, {
    timeout: warmupMs + durationMs + CLIENT_MS_SPARE,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  let startCpuS: number | undefined;
  // Its first output says that it measures.
  running.child.stdout!.once('data', () => {
    startCpuS = cpuSeconds();
  });
  const { stdout } = await running.catch(error => {
    const why = String(error.stderr || error).trim();
    if (why.includes(REFUSAL)) throw new SpoiltError(`${server.name} refused lines as busy or full`);
    throw new Error(`${server.name}: ${why}`);
  });
  const endCpuS = cpuSeconds();
  const report = JSON.parse(stdout.slice(stdout.indexOf('\n'))) as Report;
  if (report.answered === 0) throw new Error(`${server.name}: nothing was answered`);
  const expected = expectedOf(report, plan.work.amount * users);
  if (server.keepsMoney) {
    const names = expected.users.map(user => `${plan.work.userPrefix}${user}`);
    const money = await checkMoney({ ...plan, port: moneyPort }, names, expected, before);
    if (!money.balanced) throw new Error(`${server.name}: the money is wrong: ${moneyLine(money)}`);
  }
  return { result: report, cpuS: difference(startCpuS, endCpuS), clientCpuS: report.cpuS };
}

/** Every line that it sent has been answered, and a user either buys or sells. */
function expectedOf({ lines, amounts }: Report, amount: number): Expected {
  const total = amounts.reduce((sum, each) => sum + Math.abs(each), 0);
  if (amounts.length !== USERS || total !== lines * amount)
    throw new Error(`the client in C: ${total} for ${lines} lines of ${amounts.length} users`);
  return {
    users: [...amounts.keys()],
    amount: Float64Array.from(amounts),
    unknownUp: new Float64Array(USERS),
    unknownDown: new Float64Array(USERS),
    unknownSumUp: 0,
    unknownSumDown: 0,
    largest: new Float64Array(USERS).fill(amount),
    isUniform: new Uint8Array(USERS).fill(1),
    directions: Uint8Array.from(amounts, each => (each < 0 ? 2 : 1)),
    acceptedEvents: lines,
    acceptedAmount: total,
    transfers: 0,
    unknownEvents: 0,
  };
}
