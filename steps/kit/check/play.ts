/** Plays a case against a server. */
import type { Server } from '../server.ts';
import type { Act, Case } from './case.ts';
import { Failed } from './failure.ts';
import { Talk } from './talk.ts';

/** How long a process may take to be known as ended after its connections were. */
const END_MS_MAX = 300;
const PRINTED_LINES_MAX = 12;

/** Throws `Failed`. Leaves no connection open. */
export async function play(test: Case, server: Server, user: string): Promise<void> {
  const talks: Talk[] = [];
  const open = async () => {
    const talk = await Talk.open(server);
    talks.push(talk);
    return talk;
  };
  try {
    if ('run' in test) await test.run({ server, open, user });
    else await playActs(test.acts(user), open);
  } finally {
    for (const talk of talks) talk.close();
  }
}

/** A failure, and whether the server's process is gone. */
export async function explained(failed: Failed, server: Server): Promise<Failed> {
  const ended = await endOf(server);
  if (ended === undefined) return failed;
  const { failure } = failed;
  const printed = server
    .output()
    .split('\n')
    .filter(row => row.trim() !== '');
  const notes = [...(failure.notes ?? []), `The server's process has ended, with ${ended}.`];
  if (printed.length > 0) notes.push('It printed last:', ...printed.slice(-PRINTED_LINES_MAX));
  return new Failed({ ...failure, notes });
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
