/** The requirements of each step: the cases it must pass, and the pains that must be gone. */
import type { Lesson } from '../../lesson-kit/lesson.ts';
import { addressQuestion } from '../../lesson-kit/sources.ts';
import type { Case } from './case.ts';
import { CROWD, ECHO } from './echo-cases.ts';
import { BALANCES, FRAMING, LIMITS } from './framing-cases.ts';
import { ACCEPTING, APPLYING, JUDGING } from './judging-cases.ts';
import { LIBRARY_ACCEPTING, LIBRARY_APPLYING } from './library-cases.ts';
import { COUNTING } from './metrics-cases.ts';
import { QUEUEING } from './queue-cases.ts';
import { STOPPING } from './shutdown-cases.ts';

export interface Stage {
  step: number;
  cases: readonly Case[];
  /** The numbers of the pains that this step or an earlier one removes. */
  absent: readonly number[];
  /** Asked first where the server hangs up, or does not answer. */
  silenceHint?: string | undefined;
}

/** For every step that finds lines and keeps balances: an event with `wait` gets the balance. */
const KEEPING = [...JUDGING, ...APPLYING, ...LIBRARY_APPLYING, ...FRAMING, ...LIMITS, ...BALANCES];
const QUEUED = [...KEEPING, ...ACCEPTING, ...QUEUEING];

/** Step 8 answers every event with its balance, and so leaves out what steps 5 to 7 do. */
export const STAGES: readonly Stage[] = [
  { step: 1, cases: ECHO, absent: [] },
  { step: 2, cases: [...ECHO, ...CROWD], absent: [1] },
  { step: 3, cases: [...ACCEPTING, ...JUDGING, ...LIBRARY_ACCEPTING], absent: [2] },
  { step: 4, cases: KEEPING, absent: [3] },
  { step: 5, cases: QUEUED, absent: [4] },
  { step: 6, cases: QUEUED, absent: [4, 5] },
  { step: 7, cases: QUEUED, absent: [4, 5, 6] },
  { step: 8, cases: KEEPING, absent: [5, 6, 7] },
  { step: 9, cases: [...QUEUED, ...COUNTING], absent: [4, 5, 6, 7, 8] },
  { step: 10, cases: [...QUEUED, ...COUNTING, ...STOPPING], absent: [4, 5, 6, 7, 8, 9] },
];

/** What every server of a lesson must do, and what is its own; whether it has its pain is not asked here. */
export function stageOfLesson(lesson: Lesson): Stage {
  const cases = [...KEEPING, ...ACCEPTING, ...lesson.cases];
  return { step: lesson.number, cases, absent: [], silenceHint: addressQuestion(lesson) };
}

export function stageOf(step: number): Stage {
  const stage = STAGES[step - 1];
  if (stage === undefined) throw new RangeError(`there is no step ${step}`);
  return stage;
}
