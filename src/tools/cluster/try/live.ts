/** The trial on a terminal: a table that is painted anew twice a second, and keys. */
import { setTimeout as sleep } from 'node:timers/promises';
import { painterFor } from '../../../cli/terminal/colours.ts';
import { Exit } from '../../../cli/terminal/command.ts';
import { CTRL_C, onKeys } from '../../../cli/terminal/keys.ts';
import { Screen } from '../../../cli/terminal/screen.ts';
import { Acts } from './acts.ts';
import { pressed } from './pressing.ts';
import { Seen } from './seen.ts';
import type { Trial } from './trial.ts';
import { trialLines } from './view.ts';

const EVERY_MS = 500;
const HAPPENED_MAX = 200;

/** Until q. Returns the exit code. */
export async function tryLive(trial: Trial): Promise<number> {
  const screen = new Screen(process.stdout);
  const paint = painterFor(process.stdout, process.env);
  const seen = new Seen(trial);
  const startMs = performance.now();
  const happened: [string, string][] = [];
  const say = (what: string) => {
    happened.push([new Date().toTimeString().slice(0, 8), what]);
    if (happened.length > HAPPENED_MAX) happened.shift();
    repaint();
  };
  const repaint = () => {
    const elapsedMs = performance.now() - startMs;
    const { rows, columns } = screen;
    const view = { ...seen.view(), happened, rows, columns, paint, folder: trial.folder, elapsedMs };
    screen.show(trialLines(view));
  };
  const acts = new Acts(trial, say);
  let isOver = false;
  let wake = new AbortController();
  const stopKeys = onKeys(key => {
    if (key === CTRL_C) process.exit(130);
    if (key === 'q') {
      isOver = true;
      wake.abort();
    } else pressed(key, acts);
  });
  screen.open(() => seen.lastLines());
  screen.onResize(repaint);
  say('three NATS servers and three nodes run, under load');
  trial.load.isOn = true;
  try {
    while (!isOver) {
      wake = new AbortController();
      await trial.look();
      repaint();
      if (!isOver) await sleep(EVERY_MS, undefined, { signal: wake.signal }).catch(() => {});
    }
    say('stopping …');
  } finally {
    stopKeys();
    await trial.stop();
    screen.close();
  }
  return trial.wrong.length === 0 ? Exit.ok : Exit.failed;
}
