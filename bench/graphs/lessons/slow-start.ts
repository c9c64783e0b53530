/** Lesson 12: how long until a server serves, by the events that were ever accepted, in the wrong server and the right one. */
import { count } from '../../../src/cli/terminal/numbers.ts';
import { newAccounts, send, served } from '../../../steps/12-slow-start/witness.ts';
import { type Subject, subjectsOf } from '../../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../../steps/lesson-kit/lessons.ts';
import { Place } from '../../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../../steps/lesson-kit/sources.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { isFlat, isOnALine, rises } from '../shapes.ts';

const THOUSAND = 1_000;
const STEP = 50 * THOUSAND;
const THOUSANDS = [0, 50, 100, 150, 200, 250, 300];
/** The shortest start counts: each does the same work, and other work of the machine only adds. */
const STARTS = 3;

export const graph = lineGraph({
  name: 'slow-start',
  about: 'how long until a server serves, by the events ever accepted (lesson 12)',
  title: 'Without snapshots, every event makes a start longer',
  subtitle: [
    'From the start of the process until it answers its first request; 100 users.',
    `Killed and started again with the same folder; the shortest of ${STARTS} starts.`,
  ],
  shapes: { wrong: [rises(5), isOnALine(0.25)], right: [isFlat(3)] },
  distances: [{ upper: 'wrong', lower: 'right', from: 150, times: 2 }],
  at: THOUSANDS,
  measure: async say => {
    const lesson = lessonOf(12)!;
    const series: Record<string, Point[]> = {};
    for (const subject of subjectsOf(lesson).filter(({ side }) => side !== 'src'))
      series[subject.side] = await startsOf(subject, say);
    return series;
  },
  x: values => linear('Thousands of events ever accepted', values),
  y: values => linear('Seconds until it serves', values),
  label: name =>
    name === 'wrong'
      ? ['reads its log from', 'the beginning']
      : ['reads a snapshot, and', 'what is behind it'],
  describe: series => {
    const last = (name: string) => series[name]!.at(-1)!.y;
    return (
      `With ${count(THOUSANDS.at(-1)! * THOUSAND)} events ever accepted, the wrong server serves ${last('wrong')} s after its ` +
      `start, on a straight line through all the points; the right one after ${last('right')} s.`
    );
  },
});

async function startsOf(subject: Subject, say: (line: string) => void): Promise<Point[]> {
  const place = await Place.open(subject.lesson);
  try {
    const [source, data, accounts] = [ofSubject(subject, place), place.folder(), newAccounts()];
    const points: Point[] = [];
    for (const x of THOUSANDS) {
      let leastMs = Number.POSITIVE_INFINITY;
      for (let start = 1; start <= STARTS; start += 1)
        await served(source, data, async (scene, afterMs) => {
          leastMs = Math.min(leastMs, afterMs);
          if (start === STARTS && x < THOUSANDS.at(-1)!) await send(scene, accounts, STEP);
        });
      say(`${subject.side}: ${x} thousand events, ${Math.round(leastMs)} ms`);
      points.push({ x, y: Math.round(leastMs) / THOUSAND });
    }
    return points;
  } finally {
    await place.close();
  }
}
