/**
 * The graph of coordinated omission: the two latencies of one run, against a server that is stopped for a second in
 * the middle. The run is that of `tally load`, with the same flags; only the signals are added.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readOptions } from '../../src/tools/load/options.ts';
import { type LoadRun, runLoadWithHistograms } from '../../src/tools/load/run.ts';
import { startProcess } from '../peers/process.ts';
import { drawLines, type LineChart, type Series } from './draw.ts';
import { checkHead, footerOf, type Graph, type GraphData, headOf } from './graph.ts';
import {
  checkCurve,
  curveOf,
  latencyAt,
  latencyAxis,
  msText,
  type PercentilePoint,
  percentileAxis,
  rarityOf,
} from './percentiles.ts';

const LOAD = 'tally load --rate 5000 --duration 10s --connections 50 --pipeline 1 --seed 1';
const STOP_AFTER_MS = 4_500;
const STOP_MS = 1_000;

/** The bounds that the graph must show. */
const LINES = 50_000;
const LINES_TOLERANCE = 0.01;
const CORRECTED_P99_MS_MIN = 500;
const UNCORRECTED_SHARE_MAX = 0.1;

export interface CoordinatedOmission extends GraphData {
  /** The load alone. */
  load: string;
  seed: number;
  /** From SIGSTOP to SIGCONT, as measured. */
  stoppedMs: number;
  sent: number;
  answered: number;
  unsent: number;
  corrected: PercentilePoint[];
  uncorrected: PercentilePoint[];
}

export const graph: Graph<CoordinatedOmission> = {
  name: 'coordinated-omission',
  about: 'both latencies of one run against a server that is stopped for a second',
  shape: [
    `corrected is above ${CORRECTED_P99_MS_MIN} at 99 %`,
    `uncorrected is less than ${UNCORRECTED_SHARE_MAX} of it there`,
  ],
  run,
  check,
  draw: data => drawLines(chartOf(data)),
};

async function run(say: (line: string) => void): Promise<CoordinatedOmission> {
  const head = headOf(graph.name);
  say(LOAD);
  const { loaded, stoppedMs } = await loadWhileStopped();
  const { result, corrected, uncorrected } = loaded;
  return {
    ...head,
    load: LOAD,
    seed: result.seed,
    stoppedMs: Math.round(stoppedMs),
    sent: result.sent,
    answered: result.answered,
    unsent: result.unsent,
    corrected: curveOf(corrected),
    uncorrected: curveOf(uncorrected),
  };
}

async function loadWhileStopped(): Promise<{ loaded: LoadRun; stoppedMs: number }> {
  const server = await startProcess({
    name: 'tally',
    program: process.execPath,
    args: [
      // As `npm start` does.
      '--max-semi-space-size=1',
      fileURLToPath(new URL('../../src/cli/main.js', import.meta.url)),
      ...['serve', '--port', '0', '--log-format', 'json'],
    ],
    portOf: line => {
      const { event, port } = JSON.parse(line) as { event: string; port: number };
      return event === 'listening' ? port : undefined;
    },
  });
  const flags = LOAD.split(' ').slice(2);
  const { plan } = readOptions([...flags, '--port', String(server.port)]);
  const ended = new AbortController();
  let stop: Promise<number> | undefined;
  let end: number | NodeJS.Signals;
  let found: { loaded: LoadRun; stoppedMs: number };
  try {
    const loaded = await runLoadWithHistograms(plan, {
      command: LOAD,
      onLoadStart: () => {
        stop = stopAndContinue(server.pid, ended.signal);
        // Its error is thrown below; the load may end earlier.
        stop.catch(() => {});
      },
    });
    const { problems } = loaded.result;
    if (problems.length > 0) throw new Error(`the load had problems: ${problems.join('; ')}`);
    found = { loaded, stoppedMs: await stop! };
  } finally {
    ended.abort();
    // A server that is still stopped would not handle the signal to end.
    await stop?.catch(() => {});
    end = await server.stop();
  }
  // Its exit code says whether its own ledger balances.
  if (end !== 0) throw new Error(`the server ended with ${end}`);
  return found;
}

/** Resolves to how long it was stopped. In any case the process is continued. */
async function stopAndContinue(pid: number, signal: AbortSignal): Promise<number> {
  await sleep(STOP_AFTER_MS, undefined, { signal });
  process.kill(pid, 'SIGSTOP');
  const startMs = performance.now();
  try {
    await sleep(STOP_MS, undefined, { signal });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  return performance.now() - startMs;
}

function check(data: CoordinatedOmission): void {
  checkHead(graph.name, data);
  const { sent, answered, stoppedMs, corrected, uncorrected } = data;
  if (!(stoppedMs >= STOP_MS && stoppedMs < STOP_MS * 1.5))
    throw new Error(`the server was stopped for ${stoppedMs} ms, not for ${STOP_MS}`);
  if (!(Math.abs(sent - LINES) <= LINES * LINES_TOLERANCE))
    throw new Error(`${sent} lines were sent, not ${LINES} within ${LINES_TOLERANCE * 100} %`);
  if (!(answered >= sent * (1 - LINES_TOLERANCE)))
    throw new Error(`only ${answered} of ${sent} were answered`);
  checkCurve('corrected', corrected);
  checkCurve('uncorrected', uncorrected);
  const correctedMs = latencyAt(corrected, 99);
  const uncorrectedMs = latencyAt(uncorrected, 99);
  // Nine of ten lines were not affected by the stop.
  if (!(latencyAt(corrected, 50) < correctedMs * UNCORRECTED_SHARE_MAX))
    throw new Error(
      `half of all lines took up to ${latencyAt(corrected, 50)} ms: the stop was not all there was`,
    );
  if (!(correctedMs > CORRECTED_P99_MS_MIN))
    throw new Error(`the corrected p99 is ${correctedMs} ms, not more than ${CORRECTED_P99_MS_MIN} ms`);
  if (!(uncorrectedMs < correctedMs * UNCORRECTED_SHARE_MAX))
    throw new Error(
      `the uncorrected p99 is ${uncorrectedMs} ms, not less than a tenth of the corrected, ${correctedMs} ms`,
    );
}

function chartOf(data: CoordinatedOmission): LineChart {
  const { corrected, uncorrected } = data;
  const p99 = (curve: PercentilePoint[]) => msText(latencyAt(curve, 99));
  return {
    title: 'Coordinated omission: one run, two latencies',
    subtitle: [
      '5,000 lines a second for 10 s on 50 connections, one line under way on each.',
      'The server was stopped for one second in the middle.',
    ],
    footer: footerOf(data),
    description:
      'Latency by percentile, both axes logarithmic, of one run in which the server stood still for one second of ' +
      `ten. Counted from when a line should have left, 99 % were answered within ${p99(corrected)}. Counted from ` +
      `when it did leave, 99 % were answered within ${p99(uncorrected)}: what the lines waited before they could ` +
      'leave is left out.',
    x: percentileAxis(),
    y: latencyAxis(corrected, uncorrected),
    series: [
      seriesOf(corrected, ['corrected: from when', 'a line should have left']),
      seriesOf(uncorrected, ['uncorrected: from when', 'it did leave']),
    ],
  };
}

function seriesOf(curve: PercentilePoint[], name: string[]): Series {
  const latencyMs = latencyAt(curve, 99);
  return {
    points: curve.map(point => ({ x: rarityOf(point.percentile), y: point.latencyMs })),
    label: [...name, `99 % within ${msText(latencyMs)}`],
    dots: [{ x: rarityOf(99), y: latencyMs }],
  };
}
