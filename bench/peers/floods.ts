/**
 * How long one client waits for its health beside others that flood, by the number of these and by what each writes at
 * once. They wait for their replies and write again. (flood.c)
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Bench, Size } from '../bench.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { Asker } from './asker.ts';
import { withProgramInC } from './client-in-c.ts';
import type { PeerProcess } from './process.ts';
import { startTally, TALLY } from './subjects.ts';
import { onFresh, SpoiltError, untilSound } from './trial.ts';

const execute = promisify(execFile);

const CLIENTS: Record<Size, number[]> = { small: [50], full: [50, 500, 5_000] };
/** Around what is small input (4,096 bytes), and far from it. */
const BYTES: Record<Size, number[]> = {
  small: [3_999],
  full: [100, 1_000, 3_999, 4_096, 4_097, 4_300, 16_384, 65_536],
};
/** More lines are under way than the ring holds while the worker waits for a core. */
const BYTES_UNDER_WAY_MAX = 100_000_000;
const ROUNDS: Record<Size, number> = { small: 1, full: 2 };
const WARMUP_S: Record<Size, number> = { small: 0.1, full: 0.7 };
const MEASURED_S: Record<Size, number> = { small: 0.2, full: 1 };
/** Beyond its own time, for connecting and for silence. */
const FLOOD_MS_SPARE = 30_000;
const CONNECTIONS_MAX = 6_000;
const REFUSAL = '{"status":"rej';

/** What it prints. */
interface Report {
  lines: number;
  ratePerS: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

export const bench: Bench = {
  name: 'floods',
  about: 'Tally alone: how long health takes beside floods, by clients and size of writes',
  run: (size, say) =>
    withProgramInC('flood.c', say, async program => {
      if (program === undefined) return [];
      const trials = CLIENTS[size].flatMap(clients =>
        BYTES[size]
          .filter(bytes => clients * bytes <= BYTES_UNDER_WAY_MAX)
          .map(bytes => trialOf(program, clients, bytes, size, say)),
      );
      return alternate(ROUNDS[size], trials, say);
    }),
};

function trialOf(
  program: string,
  clients: number,
  bytes: number,
  size: Size,
  say: (line: string) => void,
): Trial {
  const flags = ['--connections-max', String(CONNECTIONS_MAX), '--backlog', '4096'];
  const server = { ...TALLY, start: () => startTally(flags) };
  const once = () => onFresh(server, running => measure(program, running, clients, bytes, size));
  return {
    subject: `${clients.toLocaleString('en-US')} clients`,
    condition: `${bytes.toLocaleString('en-US')} bytes`,
    run: () => untilSound(once, say),
  };
}

async function measure(
  program: string,
  { port }: PeerProcess,
  clients: number,
  bytes: number,
  size: Size,
): Promise<Figure[]> {
  const args = [port, clients, bytes, WARMUP_S[size], MEASURED_S[size]].map(String);
  const timeout = (WARMUP_S[size] + MEASURED_S[size]) * 1_000 + FLOOD_MS_SPARE;
  const { stdout } = await execute(program, args, { timeout }).catch(error => {
    const why = String(error.stderr || error).trim();
    if (why.includes(REFUSAL)) throw new SpoiltError('lines were refused as busy or full');
    throw new Error(why);
  });
  const { lines, ratePerS, p50Ms, p99Ms, maxMs } = JSON.parse(stdout) as Report;
  await checkReceived(port, lines);
  return [
    { unit: 'ms p50, health', better: 'lower', value: p50Ms },
    { unit: 'ms p99, health', better: 'lower', value: p99Ms },
    { unit: 'ms at most, health', better: 'lower', value: maxMs },
    { unit: 'lines/s', better: 'higher', value: ratePerS },
  ];
}

/** Each line was answered as accepted; that all were applied is what the server's exit code says. */
async function checkReceived(port: number, lines: number): Promise<void> {
  const asker = await Asker.open(port);
  const { received, dropped } = JSON.parse(await asker.ask('{"type":"metrics"}')) as Record<string, number>;
  asker.close();
  if (received !== lines || dropped !== 0)
    throw new Error(
      `${lines} lines were accepted, and the server says ${received}, ${dropped} of them dropped`,
    );
}
