/**
 * Walks all schedules of a scenario: runs its threads one operation at a time, in every order there is.
 *
 * A thread cannot be copied, so every schedule is run from the start: the memory is put back, the threads run up to where
 * the schedule parts from the one before, and on from there (depth first). A state that was met before has been walked
 * from there on: the same memory, every thread having seen the same, the same order among what they did. Its schedules
 * are counted without being run again, so the counts are of all schedules, with and without that saving; `everyRun`
 * switches it off.
 */
import type { Model } from './model.ts';
import { type Choice, isSimple } from './operations.ts';
import type { Stage } from './stage.ts';
import { Summary } from './summary.ts';

/** Longer runs do not end, it seems. */
const STEPS_MAX = 5_000;
const PROGRESS_RUNS = 100;

export interface WalkOptions {
  /** Runs every schedule, also from states that were met before. */
  everyRun?: boolean;
  /** Ends at the first schedule that goes wrong. */
  untilWrong?: boolean;
  runsMax?: number;
  onProgress?: (runs: number) => void;
}

export interface Walk {
  /** False: it was ended early. */
  isComplete: boolean;
  /** Schedules that were really run. */
  runs: number;
  states: number;
  /** Choices in the longest schedule. */
  stepsMax: number;
  summary: Summary;
}

/** A moment of the run under way, and what was chosen there so far. */
interface Node {
  /** Undefined where there is nothing to choose. */
  key: number | undefined;
  model: Model;
  choices: Choice[];
  isIdle: boolean;
  /** The choice taken is the one before. */
  next: number;
  summary: Summary;
}

/** Blocks. */
export function walk(stage: Stage, options: WalkOptions = {}): Walk {
  for (;;) {
    const found = tryWalk(stage, options);
    if (found !== undefined) return found;
  }
}

/** Undefined if it has learned who shares what, which it should have known at its start. */
function tryWalk(stage: Stage, options: WalkOptions): Walk | undefined {
  const { everyRun = false, untilWrong = false, runsMax = Number.POSITIVE_INFINITY, onProgress } = options;
  const { known: learned } = stage.sharing;
  const known = new Map<number, Summary>();
  const stack: Node[] = [];
  let runs = 0;
  let states = 0;
  let stepsMax = 0;
  let root: Summary | undefined;
  while (root === undefined && runs < runsMax) {
    runs += 1;
    if (runs % PROGRESS_RUNS === 0) onProgress?.(runs);
    let model = runTo(stage, stack);
    let last = stack.length === 0 ? 0 : takenAt(stack.at(-1)!).thread;
    let found: Summary | undefined;
    for (;;) {
      const { choices, isIdle } = model.choices(stage.scenario, last);
      const complaint = stage.complaint(isIdle);
      if (complaint !== undefined || choices.length === 0) {
        found = Summary.ofEnd(complaint ?? stage.verdict(model));
        break;
      }
      // Where there is nothing to choose, there is nothing to recognise either.
      const key = choices.length === 1 || everyRun ? undefined : stage.key(model);
      found = key === undefined ? undefined : known.get(key);
      if (found !== undefined) break;
      states += 1;
      stack.push({ key, model, choices, isIdle, next: 1, summary: new Summary() });
      stepsMax = Math.max(stepsMax, stack.length);
      if (stack.length > STEPS_MAX) throw new Error(`a schedule of ${STEPS_MAX} operations has not ended`);
      model = model.copy();
      last = choices[0]!.thread;
      stage.grant(model, choices[0]!);
      stage.advance(model, choices[0]!, isIdle);
    }
    stage.abandon(model);
    if (stage.sharing.known !== learned) return undefined;
    // Back to the last moment at which there is something else to choose.
    for (let node = stack.at(-1); ; node = stack.at(-1)) {
      if (node === undefined) {
        root = found;
        break;
      }
      node.summary.add(takenAt(node), found);
      if (node.next < node.choices.length && !(untilWrong && found.hasWrong)) {
        node.next += 1;
        break;
      }
      stack.pop();
      if (node.key !== undefined) known.set(node.key, node.summary);
      found = node.summary;
    }
  }
  const isComplete = root !== undefined && !(untilWrong && root.hasWrong);
  return { isComplete, runs, states, stepsMax, summary: root ?? summaryOf(stack) };
}

/** A new run, up to behind the choice taken last. */
function runTo(stage: Stage, stack: readonly Node[]): Model {
  const model = stage.begin();
  for (let at = 0; at < stack.length; ) {
    const choice = takenAt(stack[at]!);
    const count = simpleOnes(stack, at, choice);
    if (count > 1) stage.grantMany(stack[at]!.model, choice.thread, count);
    else stage.grant(stack[at]!.model, choice);
    at += Math.max(1, count);
  }
  const node = stack.at(-1);
  if (node === undefined) return model;
  const behind = node.model.copy();
  stage.advance(behind, takenAt(node), node.isIdle);
  return behind;
}

/** How many simple operations of this thread follow each other from here on. */
function simpleOnes(stack: readonly Node[], from: number, { thread, variant }: Choice): number {
  if (variant !== 'run') return 0;
  let at = from;
  for (; at < stack.length; at++) {
    const node = stack[at]!;
    const choice = takenAt(node);
    if (choice.thread !== thread || choice.variant !== 'run') break;
    if (!isSimple(node.model.pending[thread]!.operation)) break;
  }
  return at - from;
}

function takenAt(node: Node): Choice {
  return node.choices[node.next - 1]!;
}

/** What is known of a walk that was ended early. */
function summaryOf(stack: readonly Node[]): Summary {
  let known: Summary | undefined;
  for (const node of stack.toReversed()) {
    if (known !== undefined) node.summary.add(takenAt(node), known);
    known = node.summary;
  }
  return known ?? new Summary();
}
