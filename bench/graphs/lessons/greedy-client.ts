/** Pain 16: what a client gets that begins to send shortly before a window ends. */
import { aroundEdge, LIMIT, WINDOW_MS, withInstances } from '../../../steps/16-greedy-client/witness.ts';
import type { Side } from '../../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../../steps/lesson-kit/lessons.ts';
import { Place } from '../../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../../steps/lesson-kit/sources.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { endsAbove, isStraight, neverFalls, peaksAbove, staysBelow, upTo } from '../shapes.ts';

const CONNECTIONS = 8;
/** The edge is found some milliseconds late. */
const BEFORE_MS = 310;
const ATTACK_MS = 1_000;
const STEP_MS = 25;
const EDGE_MS = 300;
/** So far from it the edge is certainly over, or to come, on a busy machine, too. */
const NEAR_MS = 75;
const TIMES_MS = Array.from({ length: ATTACK_MS / STEP_MS }, (_, index) => (index + 1) * STEP_MS);

const SERVERS: Readonly<Record<string, { side: Side; way: string }>> = {
  'fixed window': { side: 'wrong', way: 'memory' },
  'token bucket': { side: 'right', way: 'bucket' },
  share: { side: 'right', way: 'share' },
  'sliding window': { side: 'right', way: 'sliding' },
};
const LABELS: Readonly<Record<string, string[]>> = {
  'fixed window': ['begins anew'],
  'token bucket': ['what was saved up,', 'and what comes in'],
  share: ['one instance of four'],
  'sliding window': ['never more in 1.5 s'],
};

export const graph = lineGraph({
  name: 'greedy-client',
  about: 'what a client gets that sends around the end of a window (pain 16)',
  title: 'At the edge of a fixed window a client gets its limit twice',
  subtitle: [
    `A limit of ${LIMIT} events in ${WINDOW_MS / 1_000} s. A client has saved them up, and sends as fast as it can,`,
    `from ${EDGE_MS} ms before a window ends. How many of its events are accepted.`,
  ],
  shapes: {
    'fixed window': [upTo(EDGE_MS - NEAR_MS, staysBelow(LIMIT + 1)), endsAbove(1.9 * LIMIT)],
    'token bucket': [isStraight(LIMIT / WINDOW_MS, LIMIT / 10, { from: 4 * STEP_MS, to: ATTACK_MS })],
    share: [neverFalls(), peaksAbove(0.8 * LIMIT), staysBelow(2 * LIMIT)],
    'sliding window': [peaksAbove(LIMIT - 2), staysBelow(LIMIT + 1)],
  },
  distances: [{ upper: 'fixed window', lower: 'sliding window', from: EDGE_MS + NEAR_MS, times: 1.9 }],
  at: TIMES_MS,
  moments: [{ x: EDGE_MS, label: 'the window ends' }],
  measure: async say => {
    const series: Record<string, Point[]> = {};
    for (const name of Object.keys(SERVERS)) {
      say(name);
      series[name] = await accepted(name);
    }
    return series;
  },
  x: values => linear('Time since its first line, ms', [0, ...values]),
  y: values => linear('Events accepted', [0, ...values]),
  label: name => LABELS[name]!,
  describe: series => {
    const last = (name: string) => series[name]!.at(-1)!.y;
    return (
      `Of a limit of ${LIMIT}, a fixed window lets ${last('fixed window')} events through around its end. Within a second, a token ` +
      `bucket gives ${last('token bucket')}, a share of one ${last('share')}, and a sliding window ${last('sliding window')}.`
    );
  },
});

async function accepted(name: string): Promise<Point[]> {
  const lesson = lessonOf(16)!;
  const place = await Place.open(lesson);
  try {
    return await withInstances(ofSubject({ lesson, ...SERVERS[name]! }, place), async ([scene]) => {
      const { taken } = await aroundEdge(await scene!.openAll(CONNECTIONS), BEFORE_MS, ATTACK_MS);
      return TIMES_MS.map(x => ({ x, y: taken.atMs.filter(ms => ms <= x).length }));
    });
  } finally {
    await place.close();
  }
}
