/** `tally race N M`: two servers of the path under the same load, lap by lap, and what came of it. */

import { painterFor } from '../../src/cli/terminal/colours.ts';
import { Exit, exitOnSignals, jsonOf, runCommand } from '../../src/cli/terminal/command.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { Screen } from '../../src/cli/terminal/screen.ts';
import { canRepaint, columnsOn } from '../../src/cli/terminal/terminal.ts';
import { stepOf } from '../kit/manifest.ts';
import { laneResult, type RaceResult } from './figures.ts';
import { Lane } from './lane.ts';
import { LiveLane, type LiveRace, liveLines } from './live.ts';
import { type RaceOptions, readOptions } from './options.ts';
import { labelOf, painNameOf, seenIn } from './racer.ts';
import { headLines, raceTable, type View } from './table.ts';
import { verdictOf } from './verdict.ts';

const HELP = `tally race N M: two servers under the same load, side by side, and what came of it.

  tally race 4 5                      what does a queue change? Look at how long health takes
  tally race 5 6                      one thread that applies, and four
  tally race 6 7                      one user, many threads: where does the money go?
  tally race 7 8                      one lock, and one for each part of the table
  tally race 8 9                      can it be asked what it did?
  tally race 9 10                     Ctrl+C with events in the queue
  tally race 10 src                   the last step and the finished server, as fast as they get
  tally race 11 11-right              a lesson: what does mending it cost?
  tally race 4 5 --rate 500           fewer than step 4 can do: what is left of the difference?
  tally race 7 8 --workers 2 --json   two workers; everything, for machines

Steps 4 to 10 and src can race, any two of them, and the two servers of a lesson. They run by turns, lap by lap, so that the machine is as fast
for the one as for the other; a short warm-up is left out. Without flags, the load is one that shows what the
earlier of the two has wrong; it is printed.

  --duration TIME    how long each is under load, all laps together (2.4s to 3.6s)
  --laps N           in so many turns (3)
  --rate N           events a second, whatever becomes of them; max: the next leaves when a reply has come
  --connections N    clients
  --pipeline N       lines that each may have under way
  --users N          different ones
  --work-us N        µs that an event costs
  --window-us N      µs between reading a balance and writing it (steps 6 to 10; src adds it to the cost)
  --workers N        threads that apply events (steps 6 to 10, src)
  --queue N          events that fit into the queue of each (steps 5 to 10, src)
  --seed N           the same seed sends the same events (1)
  --json             everything, for machines

done a second: events taken, by the time until the last of them was applied. p99 (in ms) is by what was answered, from
when a line should have left, the median of the laps; that of health is of the race's own questions, 100 a second.
The event loop's delay is the longest time in which the server's main thread did nothing else. Money: the sum of all
balances beside what was taken, to the last event.

Exit codes: 0 raced, whatever came out, 1 a server failed, 2 wrong usage, 130 ended by Ctrl+C.
`;

const REPAINT_MS = 100;
const PLAIN_COLUMNS = 80;

export function raceCommand(args: string[]): Promise<void> {
  return runCommand('race', HELP, args, async () => {
    const options = readOptions(args);
    exitOnSignals();
    const result = await race(options);
    if (options.json) printForMachines(`${jsonOf(result, 2)}\n`);
    else process.stdout.write(resultText(result, options));
    const problems = result.lanes.flatMap(({ subject, problems }) =>
      problems.map(problem => `${labelOf(subject)}: ${problem}`),
    );
    for (const problem of problems) process.stderr.write(`tally race: ${problem}\n`);
    return problems.length === 0 ? Exit.ok : Exit.failed;
  });
}

async function race(options: RaceOptions): Promise<RaceResult> {
  const { subjects, load, matchup } = options;
  const live: LiveRace = { subjects, load, matchup, lanes: [new LiveLane(), new LiveLane()], now: '' };
  const show = options.json ? undefined : shown(live);
  const lanes: Lane[] = [];
  try {
    live.now = 'starting';
    for (const subject of subjects) lanes.push(await Lane.start(subject, load));
    live.now = 'warming up';
    for (const lane of lanes) await lane.warmUp();
    for (let number = 1; number <= load.laps; number += 1)
      for (const [index, lane] of lanes.entries()) {
        live.now = `lap ${number} of ${load.laps}: ${labelOf(lane.subject)} runs`;
        await watchedLap(lane, live.lanes[index]!, number);
      }
    for (const [index, lane] of lanes.entries()) {
      live.now = 'counting the money';
      live.lanes[index]!.money = await lane.money();
      await lane.stop();
      if (matchup.tells === undefined) continue;
      live.now = `a last question: ${painNameOf(matchup.pain)}?`;
      live.lanes[index]!.witness = await seenIn(lane.subject, matchup.pain);
    }
  } finally {
    show?.();
    for (const lane of lanes) await lane.stop();
  }
  const results = live.lanes.map(({ laps, money, witness }, index) =>
    laneResult(subjects[index]!, laps, money, witness),
  ) as RaceResult['lanes'];
  const verdict = verdictOf(matchup, results);
  const lesson = matchup.lessonOf === undefined ? '' : ` ${stepOf(matchup.lessonOf).lesson}`;
  const why = verdict.shows ? `Why: ${matchup.why}${lesson}` : undefined;
  return { schema: 1, subjects, pain: matchup.pain, load, lanes: results, verdict: verdict.text, why };
}

/** A lap, whose health is looked at while it runs. */
async function watchedLap(lane: Lane, live: LiveLane, number: number): Promise<void> {
  const look = () => {
    const waitingMs = lane.prober.waitingMs();
    const latestMs = Math.max(
      ...lane.prober.latest().map(({ ms }) => ms),
      waitingMs > REPAINT_MS ? waitingMs : 0,
    );
    live.onHealth(latestMs > 0 ? latestMs : undefined);
  };
  const timer = setInterval(look, REPAINT_MS);
  try {
    live.endLap(await lane.lap(number, progress => live.onProgress(progress)));
  } finally {
    clearInterval(timer);
  }
}

/** On a terminal that can be repainted: the race as it goes, until the function that is returned is called. Elsewhere: who races, once. */
function shown(live: LiveRace): () => void {
  const out = process.stdout;
  if (!canRepaint(out)) {
    out.write(`${headLines(live.subjects, live.load, plainView()).join('\n')}\n\n`);
    return () => {};
  }
  const screen = new Screen(out);
  const paint = painterFor(out, process.env);
  const repaint = () =>
    screen.show(liveLines(live, screen.rows, { columns: screen.columns, paint, hasBars: true }));
  screen.open();
  screen.onResize(repaint);
  const timer = setInterval(repaint, REPAINT_MS);
  repaint();
  return () => {
    clearInterval(timer);
    screen.close();
  };
}

function plainView(): View {
  return { columns: PLAIN_COLUMNS, paint: painterFor(process.stdout, process.env), hasBars: false };
}

function resultText(result: RaceResult, { matchup }: RaceOptions): string {
  const out = process.stdout;
  if (!canRepaint(out)) return raceTable(result, matchup, plainView()).split('\n\n').slice(1).join('\n\n');
  const view = { columns: columnsOn(out, PLAIN_COLUMNS), paint: painterFor(out, process.env), hasBars: true };
  return raceTable(result, matchup, view);
}
