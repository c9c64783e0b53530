/** The witness of every lesson on all its servers, repeatedly, also on busy cores: is every verdict right? */
import { LESSONS } from '../steps/lesson-kit/lessons.ts';
import type { Bench } from './bench.ts';
import { type Circumstance, CORES, repeated } from './verdicts.ts';

/** Witnesses mostly wait, and must be right beside another one, too. */
const AT_ONCE = 2;
const CIRCUMSTANCES: readonly Circumstance[] = [
  { condition: 'alone', times: { small: 1, full: 20 }, busy: 0, isPinned: false },
  { condition: 'all cores busy', times: { small: 0, full: 10 }, busy: CORES, isPinned: false },
];

export const bench: Bench = {
  name: 'lessons',
  about: 'Every lesson on all its servers, 20 times, and 10 on busy cores: is every verdict right?',
  run: (size, say) =>
    repeated(
      CIRCUMSTANCES,
      size,
      (size === 'full' ? LESSONS : LESSONS.slice(0, 1)).map(({ number }) => [String(number)]),
      AT_ONCE,
      ({ pain, step, way }) => {
        const { figure, unit } = LESSONS.find(({ number }) => number === pain)!.question;
        const subject = `lesson ${pain}, ${step}${way === undefined ? '' : `, ${way}`}`;
        return { subject, figure, unit: unit.name, better: 'lower' };
      },
      say,
    ),
};
