/** Pain 9: what was accepted and what was processed, when Ctrl+C came. */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Server } from '../../../src/tools/harness/server.ts';
import { startStep } from '../../../steps/kit/server.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { endsAbove, endsAt, isOverBy, neverFalls, staysBelow, upTo } from '../shapes.ts';

const EVENTS = 300;
const WORK_US = 5_000;
const CTRL_C_MS = 500;
const LOOK_EVERY_MS = 20;
const LIMIT_MS = 20_000;
const [ACCEPTED, LOST, KEPT] = ['accepted', 'step 9, processed', 'step 10, processed'];

export const graph = lineGraph({
  name: 'ctrl-c',
  about: 'events accepted and events processed when Ctrl+C came (pain 9)',
  title: 'Ctrl+C loses what was accepted, unless somebody sees to it',
  subtitle: [
    `One client sends ${EVENTS} events of ${WORK_US / 1_000} ms each. Ctrl+C comes after ${CTRL_C_MS / 1_000} s.`,
    'Events, by the metrics of the server, or by what it printed last.',
  ],
  shapes: {
    [ACCEPTED]: [endsAt(EVENTS), neverFalls()],
    [LOST]: [staysBelow(EVENTS / 2), endsAbove(EVENTS / 20), neverFalls(), isOverBy(CTRL_C_MS / 1_000 + 0.1)],
    [KEPT]: [endsAt(EVENTS), neverFalls(), upTo(CTRL_C_MS / 1_000, staysBelow(EVENTS / 2))],
  },
  short: [ACCEPTED],
  at: { from: 0, to: CTRL_C_MS / 1_000, step: 0.25 },
  moments: [{ x: CTRL_C_MS / 1_000, label: 'Ctrl+C' }],
  measure: async say => {
    say('step 9');
    const nine = await course(9);
    say('step 10');
    const ten = await course(10);
    const endS = ten.processed.at(-1)!.x;
    return {
      [ACCEPTED]: [...ten.accepted, { x: endS, y: ten.accepted.at(-1)!.y }],
      [LOST]: nine.processed,
      [KEPT]: ten.processed,
    };
  },
  x: values => linear('Since the first event was sent, s', values),
  y: values => linear('Events', values),
  label: (name, points) => {
    if (name === LOST) return [`${count(EVENTS - points.at(-1)!.y)} events are lost`];
    return name === KEPT ? ['none is lost'] : [];
  },
  describe: series =>
    `${EVENTS} events are accepted at once. When Ctrl+C comes, step 9 has processed ` +
    `${count(series[LOST]!.at(-1)!.y)} of them, and ends. Step 10 goes on until it has processed ` +
    `${count(series[KEPT]!.at(-1)!.y)}.`,
});

async function course(step: number): Promise<{ accepted: Point[]; processed: Point[] }> {
  const server = await startStep(step, { workUs: WORK_US, queue: 1024 });
  try {
    const looker = await Client.open(server.port);
    const client = await Client.open(server.port);
    // Threads take a while to start; when this one answers, it runs.
    await client.ask('{"user":"early","action":"buy","amount":1,"wait":true}\n');
    const startMs = performance.now();
    const elapsedS = () => Math.round(performance.now() - startMs) / 1_000;
    client.send('{"user":"patient","action":"buy","amount":1}\n'.repeat(EVENTS));
    const replies = await client.lines(EVENTS, LIMIT_MS);
    const accepted = [
      { x: 0, y: 0 },
      { x: elapsedS(), y: replies.filter(reply => reply === '{"status":"accepted"}').length },
    ];
    const signalled = sleep(CTRL_C_MS - (performance.now() - startMs)).then(() => server.signal('SIGINT'));
    const processed = [{ x: 0, y: 0 }];
    try {
      for (;;) {
        processed.push({ y: processedIn(await looker.ask('{"type":"metrics"}\n')), x: elapsedS() });
        await sleep(LOOK_EVERY_MS);
      }
    } catch {
      // It has hung up.
    }
    await signalled;
    for (const each of [looker, client]) each.close();
    await server.ended;
    return { accepted, processed: withLastWord(processed, server, elapsedS()) };
  } finally {
    await server.stop();
  }
}

/** Adds the count that the server printed at its end, if it did. */
function withLastWord(processed: Point[], server: Server, endS: number): Point[] {
  const last = /^stopped: (.*)$/m.exec(server.output())?.[1];
  return last === undefined ? processed : [...processed, { x: endS, y: processedIn(last) }];
}

/** Without the early one. */
function processedIn(metrics: string): number {
  return Number(/"processed":(\d+)/.exec(metrics)![1]) - 1;
}
