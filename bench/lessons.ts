/** The witness of every lesson on all its servers, repeatedly, also on busy cores: is every verdict right? */
import { LESSONS } from '../steps/lesson-kit/lessons.ts';
import type { Bench } from './bench.ts';
import { type Circumstance, CORES, repeated } from './verdicts.ts';

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
      size === 'full' ? ['--lessons'] : [String(LESSONS[0]!.number)],
      ({ pain, step, way }) => {
        const { figure, unit } = LESSONS.find(({ number }) => number === pain)!.question;
        const subject = `lesson ${pain}, ${step}${way === undefined ? '' : `, ${way}`}`;
        return { subject, figure, unit: unit.name, better: 'lower' };
      },
      say,
    ),
};
