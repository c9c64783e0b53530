/** Lesson 17: what a database has to do while a thousand readers want one value that expires every second. */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../../src/cli/terminal/numbers.ts';
import { Client } from '../../../src/tools/harness/client.ts';
import { Scene } from '../../../steps/kit/witnesses/scene.ts';
import { type Side, subjectsOf } from '../../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../../steps/lesson-kit/lessons.ts';
import { Place } from '../../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../../steps/lesson-kit/sources.ts';
import { linear } from '../axis.ts';
import type { Point } from '../draw.ts';
import { lineGraph } from '../graph.ts';
import { peaksAbove, staysBelow } from '../shapes.ts';

const READERS = 1_000;
/** So many connections are opened at a time: more may not fit into the queue of those that wait to be taken. */
const OPENED_AT_ONCE = 100;
const READ_EVERY_MS = 200;
const TTL_MS = 1_000;
const SECONDS = 4.5;
const LOOK_MS = 10;
/** One point for all looks within. */
const POINT_S = 0.05;

const LINE = '{"type":"balance","user":"hot"}\n';
const WRONG = 'everybody asks';
const RIGHT = 'one asks';

export const graph = lineGraph({
  name: 'stampede',
  about: 'queries under way while a value that all want expires (lesson 17)',
  title: 'A value expires, and the database is asked by everybody, or once',
  subtitle: [
    `${count(READERS)} clients read one value, ${1_000 / READ_EVERY_MS} times a second each; it is kept for ${TTL_MS / 1_000} s.`,
    'Queries for it at the database, running or waiting. One takes 100 ms.',
  ],
  shapes: { [WRONG]: [peaksAbove(100)], [RIGHT]: [staysBelow(5)] },
  at: { from: 0, to: SECONDS, step: 0.5 },
  measure: async say => ({ [WRONG]: await underWay('wrong', say), [RIGHT]: await underWay('right', say) }),
  x: values => linear('Since it was kept, s', values),
  y: values => linear('Queries under way', values),
  label: name => [
    name === WRONG ? 'who misses' : 'the others take',
    ...(name === RIGHT ? ['the old one'] : []),
  ],
  describe: series => {
    const most = (name: string) => Math.max(...series[name]!.map(({ y }) => y));
    return (
      `Whenever the value expires, up to ${most(WRONG)} queries for it are under way at the same time; ` +
      `where one asks for all, ${most(RIGHT)} at most.`
    );
  },
});

async function underWay(side: Side, say: (line: string) => void): Promise<Point[]> {
  say(`lesson 17, ${side}, ${SECONDS} s`);
  const lesson = lessonOf(17)!;
  const place = await Place.open(lesson);
  const subject = subjectsOf(lesson).find(each => each.side === side)!;
  const server = await ofSubject(subject, place).start({ own: { 'ttl-ms': TTL_MS } });
  const scene = new Scene(server);
  const database = await Client.open(place.companion('database').port);
  try {
    const readers: Client[] = [];
    while (readers.length < READERS) readers.push(...(await scene.openAll(OPENED_AT_ONCE)));
    await readers[0]!.ask(LINE);
    const startMs = performance.now();
    const elapsedS = () => (performance.now() - startMs) / 1_000;
    const reading = Promise.all(
      readers.map((reader, at) => read(reader, (at * READ_EVERY_MS) / READERS, elapsedS)),
    );
    const most = new Map<number, number>();
    while (elapsedS() < SECONDS) {
      const calls = JSON.parse(await database.ask('{"n":1,"type":"calls"}\n')) as { underWay: number };
      const bin = Math.floor(elapsedS() / POINT_S);
      most.set(bin, Math.max(most.get(bin) ?? 0, calls.underWay));
      await sleep(LOOK_MS);
    }
    await reading;
    return [...most].map(([bin, y]) => ({ x: Math.round(bin * POINT_S * 100) / 100, y }));
  } finally {
    database.close();
    scene.close();
    await server.stop();
    await place.close();
  }
}

/** At its own times, however long a reply takes: readers who waited together would come together from then on. */
async function read(reader: Client, afterMs: number, elapsedS: () => number): Promise<void> {
  for (let dueMs = afterMs; dueMs < SECONDS * 1_000; dueMs += READ_EVERY_MS) {
    await sleep(Math.max(0, dueMs - elapsedS() * 1_000));
    await reader.ask(LINE);
  }
}
