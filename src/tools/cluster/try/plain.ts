/** The trial without a terminal: a line for each thing that happens, by a script's flags or by keys in its input. */
import { setTimeout as sleep } from 'node:timers/promises';
import { painterFor } from '../../../cli/terminal/colours.ts';
import { CommandError, Exit } from '../../../cli/terminal/command.ts';
import { count } from '../../../cli/terminal/numbers.ts';
import { Acts } from './acts.ts';
import type { TryOptions, Victim } from './options.ts';
import { PER_SECOND } from './payer.ts';
import { pressed } from './pressing.ts';
import { Seen } from './seen.ts';
import type { Trial } from './trial.ts';
import { foundText, speakTo, stateLine } from './view.ts';

const STATE_EVERY_MS = 10_000;
/** Before something is killed, it goes well for so long at most. */
const QUIET_MS_MAX = 1_500;
const SETTLE_MS_MAX = 30_000;

export async function tryPlain(trial: Trial, { loadMs, kills }: TryOptions): Promise<number> {
  const say = (what: string) => void process.stdout.write(`${what}\n`);
  const acts = new Acts(trial, say);
  say(describe(trial));
  trial.load.isOn = true;
  try {
    if (loadMs === undefined) await byKeys(trial, acts, say);
    else await byScript(trial, acts, loadMs, kills);
    return await judged(trial, say);
  } finally {
    await trial.stop();
  }
}

function describe({ nats, nodes }: Trial): string {
  const events = `${count(nodes.length * PER_SECOND)} events a second, each with an id, a quarter of them transfers`;
  return [
    'three NATS servers and three nodes run:',
    ...nats.servers.map(({ name, port }) => `  ${name}      127.0.0.1:${port}`),
    ...nodes.map(
      node => `  ${node.name}  ${speakTo(node)}${node.page === undefined ? '' : `   ${node.page}`}`,
    ),
    `load: ${events}`,
  ].join('\n');
}

/** Resolves at the end of the input, or at a q in it. */
async function byKeys(trial: Trial, acts: Acts, say: (what: string) => void): Promise<void> {
  const seen = new Seen(trial);
  const paint = painterFor(process.stdout, process.env);
  const timer = setInterval(async () => {
    await trial.look();
    say(stateLine(seen.view(), paint));
  }, STATE_EVERY_MS);
  try {
    for await (const text of process.stdin.setEncoding('utf8'))
      for (const key of String(text).replace(/\s/g, '')) {
        if (key === 'q') return;
        if (!pressed(key, acts)) say(`${JSON.stringify(key)} does nothing: 1 to 6, l or q`);
      }
  } finally {
    clearInterval(timer);
    process.stdin.destroy();
  }
}

async function byScript(trial: Trial, acts: Acts, loadMs: number, kills: readonly Victim[]): Promise<void> {
  const endMs = performance.now() + loadMs;
  const quietMs = Math.min(QUIET_MS_MAX, loadMs / (kills.length + 1));
  for (const [place, victim] of kills.entries()) {
    await sleep(quietMs);
    if (victim === 'node') {
      const node = trial.nodes[place % trial.nodes.length]!;
      await acts.killNode(node);
      await acts.reviveNode(node);
    } else {
      const { name } = await trial.leader();
      await acts.killNats(name);
      await acts.reviveNats(name);
    }
  }
  await sleep(Math.max(0, endMs - performance.now()));
}

/** Ends the load, and looks whether all is there. */
async function judged(trial: Trial, say: (what: string) => void): Promise<number> {
  const { load, nodes, wrong } = trial;
  const areAllThere = nodes.every(({ hasJoined }) => hasJoined);
  const checked = areAllThere ? await load.settled(SETTLE_MS_MAX) : load.checked;
  for (const what of wrong) say(`WRONG: ${what}`);
  if (checked === undefined)
    throw new CommandError(`${count(load.open)} events are not decided, or not known on every node`);
  if (wrong.length > 0) return Exit.failed;
  const { resent, books } = load;
  say(foundText({ accepted: books.accepted, resent, checked, nodes: nodes.length }));
  return Exit.ok;
}
