/** Who races: a step, the finished server, or one of the two servers of a lesson. */
import type { Server } from '../../src/tools/harness/server.ts';
import { type Subject as PathSubject, nameOf as pathName, stepOf } from '../kit/manifest.ts';
import { ofStep, startStep } from '../kit/server.ts';
import type { Finding } from '../kit/witnesses/witness.ts';
import { witnessOf } from '../kit/witnesses/witnesses.ts';
import { type Subject as LessonSubject, nameOf as lessonName, waysOf } from '../lesson-kit/lesson.ts';
import { lessonOf } from '../lesson-kit/lessons.ts';
import { Place } from '../lesson-kit/place.ts';
import { ofSubject } from '../lesson-kit/sources.ts';
import type { RaceLoad } from './load.ts';

/** `4`, `src`; of a lesson `11`, the wrong server, and `11-right`. */
export type Racer = PathSubject | `${number}-right`;

export interface StartedRacer {
  server: Server;
  /** Ends it, and what was started for it. */
  stop(): Promise<void>;
}

/** Undefined for steps and the finished server. */
export function lessonSubject(racer: Racer): LessonSubject | undefined {
  if (racer === 'src') return undefined;
  const [, number, right] = /^(\d+)(-right)?$/.exec(String(racer))!;
  const lesson = lessonOf(Number(number));
  const side = right === undefined ? 'wrong' : 'right';
  return lesson && { lesson, side, way: waysOf(lesson, side)[0] };
}

/** In few words. */
export function labelOf(racer: Racer): string {
  const subject = lessonSubject(racer);
  if (subject !== undefined) return `lesson ${subject.lesson.number} ${subject.side}`;
  return racer === 'src' ? 'src' : `step ${racer}`;
}

export function nameOf(racer: Racer): string {
  const subject = lessonSubject(racer);
  return subject === undefined ? pathName(racer as PathSubject) : lessonName(subject);
}

/** Whether it can be told how many workers it has, and so on. */
export function takes(racer: Racer, name: 'queue' | 'workers' | 'windowUs'): boolean {
  if (racer === 'src') return true;
  return lessonSubject(racer) === undefined && stepOf(racer as number).takes.includes(name);
}

/** Throws `ServerError` if it does not start. */
export async function startRacer(racer: Racer, load: RaceLoad, nodeFlags: string[]): Promise<StartedRacer> {
  const subject = lessonSubject(racer);
  if (subject === undefined) {
    const { workers, queue, workUs, windowUs } = load;
    const server = await startStep(racer as PathSubject, { workers, queue, workUs, windowUs }, [], nodeFlags);
    return { server, stop: () => server.stop() };
  }
  const place = await Place.open(subject.lesson);
  try {
    const server = await ofSubject(subject, place, nodeFlags).start();
    return {
      server,
      async stop() {
        await server.stop();
        await place.close();
      },
    };
  } catch (error) {
    await place.close();
    throw error;
  }
}

/** What the witness of a pain sees in a new one. */
export async function seenIn(racer: Racer, pain: number): Promise<Finding> {
  const subject = lessonSubject(racer);
  if (subject === undefined) return witnessOf(pain).run(ofStep(racer as PathSubject), () => {});
  const { witness } = subject.lesson;
  const place = await Place.open(subject.lesson);
  try {
    return await witness.run(ofSubject(subject, place), () => {}, place);
  } finally {
    await place.close();
  }
}

export function painNameOf(pain: number): string {
  return lessonOf(pain)?.pain ?? stepOf(pain).pain;
}
