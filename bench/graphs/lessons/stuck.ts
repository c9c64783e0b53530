/** Lesson 20: the calls to a service that was slow for a while, of a server that never gives up and of one that does. */
import { count } from '../../../src/cli/terminal/numbers.ts';
import {
  courseOf,
  QUESTIONS_PER_S,
  SERVED_PER_S,
  SLOW_MS,
} from '../../../steps/20-stuck-downstream/witness.ts';
import { withServer } from '../../../steps/kit/witnesses/witness.ts';
import { type Side, subjectsOf } from '../../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../../steps/lesson-kit/lessons.ts';
import { Place } from '../../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../../steps/lesson-kit/sources.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { endsAbove, peaksAbove, staysBelow } from '../shapes.ts';

const FAST_S = SLOW_MS / 1_000;
const GONE_S = FAST_S + 3;
/** One point for all looks within. */
const POINT_S = 0.5;
const WRONG = 'never gives up';
const RIGHT = 'knows its limits';

export const graph = lineGraph({
  name: 'stuck',
  about: 'calls to a service that was slow for a while (lesson 20)',
  title: 'The slow time is over, the calls are not',
  subtitle: [
    `${count(QUESTIONS_PER_S)} questions a second, a call each; the service can answer ${count(SERVED_PER_S)}.`,
    `It is slow for ${FAST_S} s. After ${GONE_S} s all users leave.`,
  ],
  shapes: {
    [WRONG]: [peaksAbove(SERVED_PER_S), endsAbove(SERVED_PER_S / 2)],
    [RIGHT]: [peaksAbove(QUESTIONS_PER_S / 2), staysBelow(SERVED_PER_S / 2)],
  },
  distances: [{ upper: WRONG, lower: RIGHT, from: FAST_S, times: 2 }],
  at: { from: 0, to: GONE_S + 1, step: 2 * POINT_S },
  moments: [{ x: FAST_S, label: 'fast again' }],
  measure: async say => ({ [WRONG]: await calls('wrong', say), [RIGHT]: await calls('right', say) }),
  x: values => linear('Since the service was slow, s', values),
  y: values => linear('Calls a second', values),
  describe: series => {
    const at = (name: string) => Math.round(series[name]!.at(-1)!.y);
    return (
      `When nobody asks any more, a server that never gives up makes ${count(at(WRONG))} calls a second, ` +
      `one that knows its limits ${count(at(RIGHT))}.`
    );
  },
});

async function calls(side: Side, say: (line: string) => void): Promise<Point[]> {
  say(`lesson 20, ${side}`);
  const lesson = lessonOf(20)!;
  const place = await Place.open(lesson);
  const subject = subjectsOf(lesson).find(each => each.side === side)!;
  try {
    const { calls, slowMs } = await withServer(ofSubject(subject, place), undefined, scene =>
      courseOf(scene, place, () => {}),
    );
    const points: Point[] = [];
    let last = calls.findLast(({ atMs }) => atMs <= slowMs)!;
    for (const each of calls.filter(({ atMs }) => atMs > slowMs)) {
      const passedS = (each.atMs - last.atMs) / 1_000;
      if (passedS < POINT_S) continue;
      const x = Math.round((each.atMs - slowMs) / 10) / 100;
      points.push({ x, y: Math.round((each.count - last.count) / passedS) });
      last = each;
    }
    return points;
  } finally {
    await place.close();
  }
}
