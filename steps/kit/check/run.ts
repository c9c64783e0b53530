/**
 * Runs a stage against a server up to the first failure: its cases, then the witnesses of the pains that must be
 * gone.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { withoutControls } from '../../../src/cli/terminal/quoting.ts';
import { type Server, ServerError } from '../../../src/tools/harness/server.ts';
import { stepOf } from '../manifest.ts';
import type { Source } from '../server.ts';
import { type Say, type Witness, whyNot } from '../witnesses/witness.ts';
import { witnessOf } from '../witnesses/witnesses.ts';
import type { Case } from './case.ts';
import { Failed, type Failure } from './failure.ts';
import { hintOf } from './hint.ts';
import { explained, play } from './play.ts';
import type { Stage } from './stages.ts';
import { transcriptOf } from './transcript.ts';

export interface CheckResult {
  name: string;
  passed: boolean;
  /** Why it was skipped. Such a check counts as passed. */
  skipped?: string;
  elapsedMs: number;
  /** For a failed check: rows of text that say what happened. */
  transcript?: string[];
  /** The same, for a check that passed with a difference from the contract. */
  note?: string[];
}

export interface StageResult {
  passed: boolean;
  checks: CheckResult[];
  /** The number of checks after the first that failed. */
  notRun: number;
}

/** Is told of the progress. */
export interface Audience {
  begins: (name: string) => void;
  says: Say;
  ends: (result: CheckResult) => void;
}

/** The first check waits this long for unexpected replies: a server that never stops answering is found at once. */
const QUIET_MS = 50;
const NEEDS_START = 'it starts the server itself: give --cmd';
const NOT_QUICK = 'it takes seconds, and --quick was given';

/** Throws `ServerError` if the server cannot be started, or found. */
export async function runStage(
  stage: Stage,
  source: Source,
  isQuick: boolean,
  audience: Audience,
  isStrict = false,
): Promise<StageResult> {
  const users = freshUsers();
  const witnesses = stage.absent.map(witnessOf);
  const shared = sharedServer(source);
  const checks: CheckResult[] = [];
  const jobs = [
    ...stage.cases.map((test, index) => ({
      name: test.name,
      skipped: test.settings === undefined || source.isStarted ? undefined : NEEDS_START,
      run: (tell: Tell) =>
        runCase(test, source, shared, users(), tell, index === 0 ? QUIET_MS : 0, stage.silenceHint),
    })),
    ...witnesses.map(witness => ({
      name: `pain ${witness.pain} is gone: ${stepOf(witness.pain).pain}`,
      skipped: isQuick ? NOT_QUICK : witness.mustStart && !source.isStarted ? NEEDS_START : undefined,
      run: async () => {
        await shared.stop();
        return runWitness(witness, source, audience.says);
      },
    })),
  ];
  try {
    for (const { name, skipped, run } of jobs) {
      audience.begins(name);
      const startMs = performance.now();
      let note: string[] | undefined;
      const tell = (difference: Failure, hint: string) => {
        if (isStrict) throw new Failed(difference);
        note = transcriptOf(difference, hint, 'note');
      };
      const transcript = skipped === undefined ? await run(tell) : undefined;
      const elapsedMs = Math.round(performance.now() - startMs);
      const result: CheckResult = { name, passed: transcript === undefined, elapsedMs };
      if (skipped !== undefined) result.skipped = skipped;
      if (transcript !== undefined) result.transcript = transcript;
      if (note !== undefined) result.note = note;
      checks.push(result);
      audience.ends(result);
      if (!result.passed) break;
    }
  } finally {
    await shared.stop();
  }
  return { passed: checks.every(({ passed }) => passed), checks, notRun: jobs.length - checks.length };
}

type Tell = (difference: Failure, hint: string) => void;

interface Shared {
  get: () => Promise<Server>;
  stop: () => Promise<void>;
}

/** One server for all cases that do not need a new one, started for the first of them. */
function sharedServer(source: Source): Shared {
  let server: Server | undefined;
  return {
    get: async () => {
      server ??= await source.start();
      return server;
    },
    stop: async () => {
      await server?.stop();
      server = undefined;
    },
  };
}

/** Rows of a transcript, or undefined if all is well. */
async function runCase(
  test: Case,
  source: Source,
  shared: Shared,
  user: string,
  tell: Tell,
  quietMs: number,
  silenceHint: string | undefined,
): Promise<string[] | undefined> {
  const isOwn = test.settings !== undefined;
  const server = isOwn ? await source.start(test.settings) : await shared.get();
  // Output of the previous case may still arrive.
  await turn();
  const before = withoutControls(server.output());
  try {
    await play(test, server, user, difference => tell(difference, test.hint), quietMs);
    return undefined;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const { failure } = await explained(error, server, before);
    const hint = hintOf(failure, test.hint);
    return transcriptOf(failure, failure.isSilence && silenceHint ? `${silenceHint} ${hint}` : hint);
  } finally {
    if (isOwn) await server.stop();
  }
}

async function runWitness(witness: Witness, source: Source, say: Say): Promise<string[] | undefined> {
  const { pain } = witness;
  try {
    const { isPresent, sentence, evidence } = await witness.run(source, say);
    if (!isPresent) return undefined;
    const figures = Object.entries(evidence).map(([name, value]) => `${name} ${value}`);
    return painRows(pain, sentence, figures.join(', '));
  } catch (error) {
    // The server ended, hung or closed the connection during the witness, so there is no measurement.
    if (error instanceof ServerError) throw error;
    return unmeasuredRows(pain, whyNot(error));
  }
}

function unmeasuredRows(pain: number, why: string): string[] {
  return [
    `problem   It can't be told, because ${why}.`,
    `hint      See what happens: npx tally pain ${pain}, with the same server`,
  ];
}

function painRows(pain: number, sentence: string, figures: string): string[] {
  const after = pain < 10 ? `step ${pain + 1}, ${stepOf(pain + 1).title}` : 'the finished server';
  return [
    `problem   ${sentence}`,
    `figures   ${figures}`,
    `hint      This is the pain of step ${pain}, ${stepOf(pain).title}, and ${after} takes it away. ` +
      `See it alone: npx tally pain ${pain}`,
  ];
}

/** Names that no run has used before. */
function freshUsers(): () => string {
  const run = Math.random().toString(36).slice(2, 8).padEnd(6, '0');
  let users = 0;
  return () => {
    users += 1;
    return `check-${run}-${users}`;
  };
}
