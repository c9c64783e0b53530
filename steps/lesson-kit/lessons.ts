/** All lessons, in their order. A new one is added here: one import, and one name in the list. */
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { crash } from '../11-crash/lesson.ts';
import { slowStart } from '../12-slow-start/lesson.ts';
import { retry } from '../13-retry/lesson.ts';
import { overselling } from '../14-overselling/lesson.ts';
import { transfer } from '../15-transfer/lesson.ts';
import { greedyClient } from '../16-greedy-client/lesson.ts';
import { stampede } from '../17-stampede/lesson.ts';
import { writeBehind } from '../18-write-behind/lesson.ts';
import { poison } from '../19-poison/lesson.ts';
import { stuckDownstream } from '../20-stuck-downstream/lesson.ts';
import type { Lesson } from './lesson.ts';

export const LESSONS: readonly Lesson[] = [
  // In the order of their numbers.
  crash,
  slowStart,
  retry,
  overselling,
  transfer,
  greedyClient,
  stampede,
  writeBehind,
  poison,
  stuckDownstream,
];

export function lessonOf(number: number): Lesson | undefined {
  return LESSONS.find(lesson => lesson.number === number);
}

/** The lesson that a word of a command line names: `11`; undefined if it names a step or something else. */
export function lessonIn(word: string | undefined): Lesson | undefined {
  return word !== undefined && /^\d{2}$/.test(word) ? lessonOf(Number(word)) : undefined;
}

export function readLesson(word: string): Lesson {
  const lesson = lessonIn(word);
  if (lesson !== undefined) return lesson;
  const hint = /^(?:0?[1-9]|10)$/.test(word) ? `; ${word} is a step: tally step ${Number(word)}` : '';
  throw new UsageError(
    `there is no lesson ${word}: they are ${rangeOfLessons()}; tally lessons lists them${hint}`,
  );
}

/** `11 to 20`; where some are missing, each of them. */
export function rangeOfLessons(): string {
  const numbers = LESSONS.map(({ number }) => number);
  const [first, last] = [numbers[0]!, numbers.at(-1)!];
  if (numbers.length === 1) return String(first);
  return last - first === numbers.length - 1 ? `${first} to ${last}` : numbers.join(', ');
}
