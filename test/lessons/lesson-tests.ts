/**
 * What every lesson must show, as tests of a file of its own: the pain in its wrong server, whichever way that goes; no
 * pain in the right one and in the finished server; a witness that finds the faults that are planted in the right one; and
 * that both speak as servers of lessons must. Never a verdict that can't be told.
 */
import { describe, expect, test } from 'vitest';
import { SILENT } from '../../steps/kit/check/report.ts';
import { runStage } from '../../steps/kit/check/run.ts';
import { type Stage, stageOfLesson } from '../../steps/kit/check/stages.ts';
import type { Source } from '../../steps/kit/server.ts';
import { whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { nameOf, type Subject, subjectsOf } from '../../steps/lesson-kit/lesson.ts';
import { lessonOf } from '../../steps/lesson-kit/lessons.ts';
import { expectedOf, runSubject } from '../../steps/lesson-kit/matrix.ts';
import { Place } from '../../steps/lesson-kit/place.ts';
import { ofSubject } from '../../steps/lesson-kit/sources.ts';
import { type Fault, onMutant } from './mutant.ts';

/** A witness takes seconds, and on a busy machine ten times as long. */
const WITNESS_MS_MAX = 180_000;

export interface PlantedFault extends Fault {
  /** The way in which the right server goes, where it has several. */
  way?: string;
}

/** Found by `check` instead, in a case of the lesson. */
export interface PlantedMistake extends PlantedFault {
  /** The name of the case. */
  case: string;
}

export interface Expectations {
  /** Faults of the right server, each of which brings the pain back: one at least. */
  faults: readonly [PlantedFault, ...PlantedFault[]];
  mistakes?: readonly PlantedMistake[];
  /** Ways of the wrong server that lack what the lesson asks of both, by the case in which `check` says so. */
  refused?: Readonly<Record<string, string>>;
}

/** To be called in the test file of the lesson. Without its engines the tests are left out, which is said. */
export function testsOf(number: number, { faults, mistakes = [], refused = {} }: Expectations): void {
  const lesson = lessonOf(number)!;
  const missing = whatIsMissing(lesson.engines);
  if (missing !== undefined) console.log(`left out: lesson ${number}: ${missing}`);

  if (missing !== undefined && process.env.CI)
    test(`lesson ${number} has its engines, under CI`, () => expect(missing).toBeUndefined());

  // At the same time: a witness mostly waits, and its verdict must be right on a busy machine, too.
  describe.skipIf(missing !== undefined).concurrent(`lesson ${number}, ${lesson.title}`, () => {
    test.each(subjectsOf(lesson).map(subject => [nameOf(subject), expectedOf(subject), subject] as const))(
      'the pain of %s is %s',
      async (_, expected, subject) => {
        const { observed, evidence } = await runSubject(subject);
        expect(observed, JSON.stringify(evidence)).toBe(expected);
        const figure = evidence[lesson.question.figure];
        expect(Number.isFinite(Number(figure)), `${lesson.question.figure} is ${figure}`).toBe(true);
      },
      WITNESS_MS_MAX,
    );

    test.each(faults.map(fault => [fault.name, fault] as const))(
      'the witness finds a right server that %s',
      async (_, fault) => {
        const subject: Subject = { lesson, side: 'right', way: fault.way };
        const isFound = async () => {
          const place = await Place.open(lesson);
          try {
            const { isPresent } = await onMutant(subject, fault, place, source =>
              lesson.witness.run(source, () => {}, place),
            );
            return isPresent;
          } finally {
            await place.close();
          }
        };
        // What is wrong by a little may not show on a machine that is busy with all the others.
        expect((await isFound()) || (await isFound()) || (await isFound())).toBe(true);
      },
      3 * WITNESS_MS_MAX,
    );

    const failedChecks = async (stage: Stage, source: Source) => {
      const { checks } = await runStage(stage, source, false, SILENT, true);
      return checks.filter(({ passed }) => !passed);
    };

    test.each(subjectsOf(lesson).map(subject => [nameOf(subject), subject] as const))(
      '%s speaks as it must',
      async (_, subject) => {
        const place = await Place.open(lesson);
        const found = refused[String(subject.way)];
        try {
          expect(await failedChecks(stageOfLesson(lesson), ofSubject(subject, place))).toMatchObject(
            found === undefined ? [] : [{ name: found }],
          );
        } finally {
          await place.close();
        }
      },
      WITNESS_MS_MAX,
    );

    test.each(mistakes.map(mistake => [mistake.name, mistake] as const))(
      'check finds a server that %s',
      async (_, mistake) => {
        const place = await Place.open(lesson);
        const subject: Subject = { lesson, side: 'right', way: mistake.way };
        const stage = { ...stageOfLesson(lesson), cases: lesson.cases };
        try {
          expect(
            await onMutant(subject, mistake, place, source => failedChecks(stage, source)),
          ).toMatchObject([{ name: mistake.case }]);
        } finally {
          await place.close();
        }
      },
      WITNESS_MS_MAX,
    );

    // A case that nothing fails checks nothing.
    if (mistakes.length > 0)
      test('each case of check finds one of them', () => {
        expect(new Set(mistakes.map(mistake => mistake.case))).toEqual(
          new Set(lesson.cases.map(({ name }) => name)),
        );
      });
  });
}
