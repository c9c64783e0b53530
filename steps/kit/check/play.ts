/** Plays a case against a server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutControls } from '../../../src/cli/terminal/quoting.ts';
import type { Server } from '../../../src/tools/harness/server.ts';
import type { Act, Case } from './case.ts';
import { Failed, type Failure } from './failure.ts';
import { Talk } from './talk.ts';

/** How long after the end of its connections the end of a process may be noticed. */
const END_MS_MAX = 300;
/** When this is over, the connections are closed. */
const CASE_MS_MAX = 60_000;
/** The time from the end of a process to its last output. */
const PRINTED_MS = 30;
const PRINTED_LINES_MAX = 12;

/** Throws `Failed`. Leaves no connection open. After its last reply the server must be silent for `quietMs`. */
export async function play(
  test: Case,
  server: Server,
  user: string,
  tell: (difference: Failure) => void,
  quietMs = 0,
): Promise<void> {
  const talks: Talk[] = [];
  const open = async () => {
    const talk = await Talk.open(server);
    talks.push(talk);
    return talk;
  };
  // A server may take just not too long for each reply.
  const timer = setTimeout(() => {
    for (const talk of talks) talk.close();
  }, CASE_MS_MAX);
  try {
    if ('run' in test) await test.run({ server, open, user, tell });
    else await playActs(test.acts(user), open);
    for (const talk of talks) await talk.done(quietMs);
  } finally {
    clearTimeout(timer);
    for (const talk of talks) talk.close();
  }
}

/**
 * A failure with possible causes: whether the process has ended, and what it has printed since `before`. A thread
 * that threw reports it there, even if the process lives on.
 */
export async function explained(failed: Failed, server: Server, before: string): Promise<Failed> {
  const { failure } = failed;
  const ended = await endOf(server);
  if (ended === undefined && !failure.isSilence) return failed;
  if (ended !== undefined) await sleep(PRINTED_MS);
  const output = withoutControls(server.output());
  const meanwhile = printedSince(before, output);
  const printed = (meanwhile.trim() === '' && ended !== undefined ? output : meanwhile)
    .split('\n')
    .map(row => row.trimEnd())
    .filter(row => row !== '');
  const notes = [...(failure.notes ?? [])];
  if (ended !== undefined) notes.push(`The server's process has ended, with ${ended}.`);
  if (printed.length > 0)
    notes.push(
      ended === undefined ? 'The server printed meanwhile:' : 'It printed last:',
      ...printed.slice(-PRINTED_LINES_MAX),
    );
  return new Failed({ ...failure, notes });
}

/** Both texts are the last part of the output so far, so the later one may begin within the earlier one. */
export function printedSince(before: string, now: string): string {
  for (let from = 0; from < before.length; from += 1)
    if (now.startsWith(before.slice(from))) return now.slice(before.length - from);
  return now;
}

async function playActs(acts: readonly Act[], open: () => Promise<Talk>): Promise<void> {
  const talks = new Map<number, Talk>();
  for (const act of acts) {
    const { on = 0 } = act;
    const talk = talks.get(on) ?? (await open());
    talks.set(on, talk);
    await playAct(act, talk);
  }
}

async function playAct(act: Act, talk: Talk): Promise<void> {
  if ('send' in act) await talk.send(act.send, act.mayAnswerEarly);
  else if ('reply' in act) await talk.reply(act.reply);
  else if ('quietMs' in act) await talk.quiet(act.quietMs);
  else if ('ends' in act) await talk.ends();
  else if ('finish' in act) talk.finish();
  else talk.close();
}

async function endOf(server: Server): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const later = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), END_MS_MAX);
  });
  const ended = await Promise.race([server.ended, later]);
  clearTimeout(timer);
  if (ended === undefined) return undefined;
  return ended.exitCode === null ? `signal ${ended.signal}` : `exit code ${ended.exitCode}`;
}
