/**
 * The server under a steady load for an hour and more, with clients that connect and leave: does its memory grow,
 * does it leak descriptors, does it survive the wrap of its ring's sequence? The sequence starts just below 2^31,
 * where a signed 32-bit number wraps, and the load is heavy enough to bring it past 2^32, where an unsigned one does.
 *
 * Needs /proc. A wrong answer, a lost event or a kept descriptor ends it with an error, as does memory that grows.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { descriptorsOf, settledDescriptors } from '../src/tools/harness/descriptors.ts';
import { residentKiBOf } from '../src/tools/harness/memory.ts';
import { median } from '../src/tools/harness/samples.ts';
import { DEFAULT_PLAN, DEFAULT_WORK, type LoadPlan, type Mix } from '../src/tools/load/plan.ts';
import type { LoadResult } from '../src/tools/load/result.ts';
import { runLoad } from '../src/tools/load/run.ts';
import type { Bench, Measure, Size } from './bench.ts';
import { Asker } from './peers/asker.ts';
import type { PeerProcess } from './peers/process.ts';
import { startTally } from './peers/subjects.ts';

interface Course {
  warmupS: number;
  measuredS: number;
  ratePerS: number;
  firstSequence: number;
  /** Times that the sequence must pass a multiple of 2^31. */
  wrapsMin: number;
  /** Between two looks at its memory and descriptors. */
  lookMs: number;
}

const HOUR_MINUTES = 60;
/** A shorter soak needs a higher rate, so that the sequence still passes 2^31 and 2^32. */
const SOAK_MINUTES = Number(process.env.TALLY_SOAK_MINUTES ?? HOUR_MINUTES);
const WARMUP_S = Math.min(480, SOAK_MINUTES * 12);
const RATE_PER_S = Math.max(640_000, Math.ceil((1.1 * 2 ** 31) / (WARMUP_S + SOAK_MINUTES * 60)));

const COURSES: Record<Size, Course> = {
  small: {
    warmupS: 1,
    measuredS: 2,
    ratePerS: 20_000,
    firstSequence: 2 ** 32 - 1_000,
    wrapsMin: 1,
    lookMs: 10,
  },
  full: {
    warmupS: WARMUP_S,
    measuredS: SOAK_MINUTES * 60,
    ratePerS: RATE_PER_S,
    firstSequence: 2 ** 31 - 50_000_000,
    wrapsMin: 2,
    lookMs: 1_000,
  },
};

const MIX: Mix = { ...DEFAULT_WORK.mix, buy: 90, sell: 10, wait: 0.05, balance: 0.05 };
const CONNECTIONS = 8;
const DEPTH = 8_192;
const ACCEPTED_PER_S_MIN = 200_000;
const GROWTH_MIB_MAX = 1;
/** The parts of the measured time; the median of each counts, so that garbage collections do not matter. */
const MINUTES = 60;
const LOOKS_PER_LINE = 60;
/** The pause between two visiting clients; every other one ends with a reset. */
const VISIT_MS = 100;

const ACCEPTED = '{"status":"accepted"}';

interface Look {
  atS: number;
  residentMiB: number;
  descriptors: number;
}

export const bench: Bench = {
  name: 'soak',
  setting: SOAK_MINUTES === HOUR_MINUTES ? '' : `TALLY_SOAK_MINUTES=${SOAK_MINUTES} `,
  about: 'An hour of load: memory, descriptors, the ledger, and a sequence that wraps twice',
  async run(size, say) {
    const course = COURSES[size];
    const server = await startTally(['--workers', '1', '--first-sequence', String(course.firstSequence)]);
    let end: number | NodeJS.Signals | undefined;
    try {
      const descriptorsBefore = descriptorsOf(server.pid)!;
      const { result, looks, visits } = await soak(server, course, say);
      const descriptorsAfter = (await settledDescriptors(server.pid, descriptorsBefore))!;
      const cpuS = server.cpuSeconds()!;
      end = await server.stop();
      if (end !== 0) throw new Error(`the server ended with ${end}: its ledger does not balance`);
      return report(course, result, looks, visits, cpuS, descriptorsAfter - descriptorsBefore, size, say);
    } finally {
      if (end === undefined) await server.stop();
    }
  },
};

async function soak(server: PeerProcess, course: Course, say: (line: string) => void) {
  const { warmupS, measuredS, ratePerS } = course;
  const durationMs = (warmupS + measuredS) * 1_000;
  const plan: LoadPlan = {
    ...DEFAULT_PLAN,
    port: server.port,
    connections: CONNECTIONS,
    pipeline: DEPTH,
    pace: 'thrifty',
    durationMs,
    stages: [{ durationMs, fromPerS: ratePerS, toPerS: ratePerS }],
    work: { ...DEFAULT_WORK, mix: MIX },
    checkBalances: true,
  };
  const looks: Look[] = [];
  const over = new AbortController();
  const looking = lookOn(server.pid, course.lookMs, looks, over.signal, say);
  const visiting = visit(server.port, over.signal);
  const load = runLoad(plan);
  try {
    // The other two run until they are stopped, so they settle first only if they fail.
    await Promise.race([load, looking, visiting]);
  } finally {
    over.abort();
  }
  await looking;
  return { result: await load, looks, visits: await visiting };
}

async function lookOn(
  pid: number,
  lookMs: number,
  looks: Look[],
  over: AbortSignal,
  say: (line: string) => void,
) {
  const startMs = performance.now();
  while (!over.aborted) {
    const atS = (performance.now() - startMs) / 1_000;
    looks.push({ atS, residentMiB: residentKiBOf(pid)! / 1_024, descriptors: descriptorsOf(pid)! });
    if (looks.length % LOOKS_PER_LINE === 0) {
      const { residentMiB, descriptors } = looks.at(-1)!;
      say(`${Math.round(atS / 60)} min: ${residentMiB.toFixed(1)} MiB resident, ${descriptors} descriptors`);
    }
    await sleep(lookMs, undefined, { signal: over }).catch(() => {});
  }
}

/** Clients that connect, change a balance, read it, and leave. Resolves to their number. */
async function visit(port: number, over: AbortSignal): Promise<number> {
  let visits = 0;
  let balance = 0;
  for (; !over.aborted; visits += 1) {
    const asker = await Asker.open(port);
    if ((await asker.ask('{"user":"visitor","action":"buy","amount":3}')) === ACCEPTED) balance += 3;
    const reply = await asker.ask('{"type":"balance","user":"visitor"}');
    asker.close();
    if (reply !== `{"status":"ok","balance":${balance}}`)
      throw new Error(`a visitor that should have ${balance} was told ${reply}`);
    if (visits % 2 === 0) resetInALine(port);
    await sleep(VISIT_MS, undefined, { signal: over }).catch(() => {});
  }
  return visits;
}

function resetInALine(port: number): void {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.on('connect', () => {
    socket.write('{"user":"visi');
    socket.resetAndDestroy();
  });
}

/** The median of the slopes between any two values (Theil and Sen), which is robust against outliers. */
function slopeOf(values: readonly number[]): number {
  return median(
    values.flatMap((later, at) =>
      values.slice(0, at).map((earlier, from) => (later - earlier) / (at - from)),
    ),
  );
}

function report(
  { warmupS, measuredS, firstSequence, wrapsMin }: Course,
  { accepted, ratePerS, busy, problems, money, elapsedS }: LoadResult,
  looks: Look[],
  visits: number,
  cpuS: number,
  descriptorsKept: number,
  size: Size,
  say: (line: string) => void,
): Measure[] {
  const measured = looks.filter(({ atS }) => atS >= warmupS);
  const minutes = Array.from({ length: MINUTES }, (_, minute) => {
    const [from, to] = [minute, minute + 1].map(edge => warmupS + (measuredS * edge) / MINUTES);
    return median(
      measured.filter(({ atS }) => atS >= from! && atS < to!).map(({ residentMiB }) => residentMiB),
    );
  });
  const growthMiB = (slopeOf(minutes) * MINUTES * 3_600) / measuredS;
  const acceptedPerS = accepted / elapsedS;
  // A sequence for each event at least; the readings of balances take some too.
  const wraps = Math.floor((firstSequence + accepted) / 2 ** 31) - Math.floor(firstSequence / 2 ** 31);
  say(
    `${accepted} accepted, ${busy} busy, ${ratePerS.toFixed(0)}/s, ${wraps} wraps, ${visits} visits; ` +
      `resident by minute: ${minutes.map(mib => mib.toFixed(1)).join(' ')}; ${growthMiB.toFixed(2)} MiB an hour; ` +
      `${descriptorsKept} descriptors kept`,
  );

  if (problems.length > 0 || money?.balanced !== true)
    throw new Error(`the load went wrong: ${problems.join('; ')} ${JSON.stringify(money)}`);
  if (descriptorsKept > 0) throw new Error(`${descriptorsKept} descriptors were kept`);
  if (wraps < wrapsMin) throw new Error(`the sequence wrapped ${wraps} times, not ${wrapsMin}`);
  if (size === 'full') {
    if (acceptedPerS < ACCEPTED_PER_S_MIN) throw new Error(`only ${acceptedPerS} events a second`);
    if (growthMiB >= GROWTH_MIB_MAX) throw new Error(`memory grew by ${growthMiB} MiB an hour`);
  }

  const figure = (unit: string, better: Measure['better'], ...samples: number[]): Measure => ({
    subject: 'tally',
    condition: '',
    unit,
    better,
    samples,
  });
  return [
    figure('events accepted', 'higher', accepted),
    figure('events/s accepted', 'higher', acceptedPerS),
    figure('events refused as busy', 'lower', busy),
    figure('events lost', 'lower', money.lostEvents + money.surplusEvents),
    figure('clients that came and went', 'higher', visits),
    figure('wraps of the sequence (2^31, 2^32)', 'higher', wraps),
    figure('descriptors kept', 'lower', descriptorsKept),
    figure('descriptors at most', 'lower', Math.max(...looks.map(({ descriptors }) => descriptors))),
    figure('MiB resident, by minute', 'lower', ...minutes),
    figure('MiB resident at most', 'lower', Math.max(...looks.map(({ residentMiB }) => residentMiB))),
    figure('MiB grown an hour', 'lower', growthMiB),
    figure('µs CPU/event', 'lower', (cpuS * 1e6) / accepted),
  ];
}
