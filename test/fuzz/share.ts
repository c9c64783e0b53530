/**
 * One thread's share of a run: makes inputs from a seed and examines them, up to the first difference, which it makes
 * small.
 */
import { Choices, LINE_BYTES_MAX, LineMaker } from '../support/lines.ts';
import { KIND_NAMES, oracle, Subject } from '../support/oracle.ts';
import { batchesOf, examineBatch, type Replayers, wires } from './cuts.ts';
import type { Subject as Fuzzed } from './options.ts';
import { shrunkBatch, shrunkBytes } from './shrink.ts';

/** Lines between two looks at the clock. */
const LOOK_LINES = 1_000;
/** How far from the start of the desk a line may lie. */
const OFFSET_MAX = 64;

export interface Share {
  subject: Fuzzed;
  seed: number;
  count: number;
  secondsMax: number;
}

export interface Difference {
  /** What was examined when it was found: the nth input of this seed. */
  nth: number;
  seed: number;
  /** For people: everything about it. */
  report: string;
  /** Made small; undefined if it did not happen again. */
  hex: string | undefined;
}

export interface ShareOutcome {
  /** Lines or batches examined. */
  done: number;
  /** How many of each kind: lines by verdict; of batches, the lines and the replays. */
  counts: Record<string, number>;
  difference: Difference | undefined;
}

export type Progress = (done: number) => void;

export function examineShare(share: Share, progress: Progress): Promise<ShareOutcome> {
  // Most lines are wrong on purpose, and nobody reads the stack of their errors.
  Error.stackTraceLimit = 0;
  return share.subject === 'lines' ? examineLines(share, progress) : examineCuts(share, progress);
}

/** `subject` is what is compared with the oracle. */
export async function examineLines(
  { seed, count, secondsMax }: Share,
  progress: Progress,
  subject = new Subject(LINE_BYTES_MAX + OFFSET_MAX + 2),
): Promise<ShareOutcome> {
  const endMs = performance.now() + secondsMax * 1000;
  const maker = new LineMaker(Choices.seeded(seed));
  const offsets = Choices.seeded(seed + 1);
  const kinds = new Float64Array(Object.keys(KIND_NAMES).length);
  let difference: Difference | undefined;
  let done = 0;
  while (done < count && difference === undefined) {
    const line = maker.next();
    const at = subject.buffer.start + offsets.below(OFFSET_MAX);
    const { complaint, kind } = subject.examine(line, at);
    done += 1;
    kinds[kind]! += 1;
    if (complaint !== undefined) difference = await lineDifference(subject, line, at, complaint, seed, done);
    if (done % LOOK_LINES !== 0) continue;
    progress(done);
    if (performance.now() >= endMs) break;
  }
  const counts: Record<string, number> = {};
  for (const [kind, lines] of kinds.entries()) if (lines > 0) counts[KIND_NAMES[kind]!] = lines;
  return { done, counts, difference };
}

async function lineDifference(
  subject: Subject,
  line: Buffer,
  at: number,
  complaint: string,
  seed: number,
  nth: number,
): Promise<Difference> {
  const where = `line ${nth} of seed ${seed} (offset ${at - subject.buffer.start})`;
  let report = `${where}: ${complaint}\n${describedLine(line)}`;
  const small = await shrunkBytes(line, candidate => subject.complaint(candidate, at) !== undefined);
  const smallComplaint = subject.complaint(small, at);
  if (smallComplaint === undefined)
    report += '\nit does not happen again: it depends on what lies behind the line';
  else if (small.length < line.length) report += `\nshrunk: ${smallComplaint}\n${describedLine(small)}`;
  return { nth, seed, report, hex: smallComplaint === undefined ? undefined : small.toString('hex') };
}

function describedLine(line: Buffer): string {
  return `${described(line)}\n  the oracle: ${KIND_NAMES[oracle(line).kind]}`;
}

/** `replayers` is what is compared with the ledger. */
export async function examineCuts(
  { seed, count, secondsMax }: Share,
  progress: Progress,
  replayers: Replayers = wires(),
): Promise<ShareOutcome> {
  const endMs = performance.now() + secondsMax * 1000;
  const maker = batchesOf(seed);
  const counts = { lines: 0, replays: 0 };
  for (let done = 1; done <= count; done++) {
    const batch = maker.next();
    const { replays, lines, failure } = await examineBatch(batch, replayers, seed + done);
    counts.lines += lines;
    counts.replays += replays;
    if (failure !== undefined) {
      const where = `batch ${done} of seed ${seed}`;
      const report = `${where}, cut at ${failure.cuts.join(' ') || 'no place'}${failure.isSlow ? ', slow client' : ''}: ${failure.complaint}\n${described(batch)}`;
      return { done, counts, difference: await batchDifference(batch, replayers, report, seed, done) };
    }
    progress(done);
    if (performance.now() >= endMs) return { done, counts, difference: undefined };
  }
  return { done: count, counts, difference: undefined };
}

async function batchDifference(
  batch: Buffer,
  replayers: Replayers,
  report: string,
  seed: number,
  nth: number,
): Promise<Difference> {
  const complaint = async (candidate: Buffer) =>
    (await examineBatch(candidate, replayers, seed + nth)).failure?.complaint;
  if ((await complaint(batch)) === undefined)
    return {
      nth,
      seed,
      report: `${report}\nit does not happen again: it depends on earlier batches`,
      hex: undefined,
    };
  const small = await shrunkBatch(batch, async candidate => (await complaint(candidate)) !== undefined);
  const smallComplaint = (await complaint(small)) ?? 'it does not happen every time';
  const shrunk = `shrunk: ${smallComplaint}\n${described(small)}`;
  return { nth, seed, report: `${report}\n${shrunk}`, hex: small.toString('hex') };
}

function described(bytes: Buffer): string {
  return `  text ${JSON.stringify(bytes.toString('latin1'))} (one character a byte)\n  hex  ${bytes.toString('hex')}`;
}
