/** `tally pain N` of a lesson: its witness on a server, and what is said of it. */
import { HungUp } from '../../src/tools/harness/client.ts';
import { whetherWith } from '../kit/predictions.ts';
import { hintsIn, type Trial, tryOut } from '../kit/trial.ts';
import { Undecided, whyNot } from '../kit/witnesses/witness.ts';
import { isPainExpected, type Lesson, type Subject } from './lesson.ts';
import { Place } from './place.ts';
import { addressQuestion } from './sources.ts';
import type { Target } from './target.ts';

/** The exit code. The engines are there while it runs. */
export async function tryLesson(target: Target, isJson: boolean, isPredicted: boolean): Promise<number> {
  const { lesson } = target;
  const place = await Place.open(lesson);
  try {
    return await tryOut(trialOf(target, place), isJson, isPredicted);
  } finally {
    await place.close();
  }
}

function trialOf({ lesson, subject, title, step, sourceIn }: Target, place: Place): Trial {
  const { number, folder, pain, witness, question } = lesson;
  const isOwn = subject?.side === 'wrong';
  return {
    pain: number,
    painName: pain,
    title,
    step,
    expected: isOwn ? 'present' : 'absent',
    expectedBy: subject === undefined ? undefined : `steps/${folder}/lesson.ts`,
    question,
    whether: isOwn
      ? question.whether
      : whetherWith(number, pain, subject === undefined ? title : String(step)),
    run: async say => {
      try {
        return await witness.run(sourceIn(place), say, place);
      } catch (error) {
        const question = subject === undefined ? addressQuestion(lesson) : undefined;
        throw error instanceof HungUp && question !== undefined
          ? new Undecided(`${whyNot(error)}. ${question}`)
          : error;
      }
    },
    closing: isPresent => closing(lesson, subject, isPresent),
  };
}

function closing({ number, painLesson }: Lesson, subject: Subject | undefined, isPresent: boolean): string {
  const way = `npx tally diff ${number}, then npx tally pain ${number} --right`;
  if (subject === undefined) return isPresent ? `  ${hintsIn(number)}\n` : '';
  return `  What this pain teaches: ${painLesson}\n${isPainExpected(subject) ? `  What mends it: ${way}\n` : ''}`;
}
