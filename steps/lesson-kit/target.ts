/** Which server of a lesson a command is about: one of its own, or somebody's. */
import { readAddress } from '../../src/cli/terminal/address.ts';
import { listed } from '../../src/cli/terminal/prose.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import type { Source } from '../kit/server.ts';
import { onlyOneOf } from '../kit/sources.ts';
import { type Lesson, nameOf, type Side, type Subject, waysOf, wordOf } from './lesson.ts';
import type { Place } from './place.ts';
import { ofLessonAddress, ofLessonCommand, ofSubject } from './sources.ts';

/** One of its own servers, or somebody's. */
export interface Target {
  lesson: Lesson;
  subject: Subject | undefined;
  /** As people read it. */
  title: string;
  /** For programs. */
  step: number | string;
  sourceIn(place: Place): Source;
}

interface Values {
  cmd?: string | undefined;
  connect?: string | undefined;
  step?: string | undefined;
  right?: boolean | undefined;
  way?: string | undefined;
}

/**
 * At most one server may be named; if none is, the wrong one of the lesson. `isWitnessed`: its witness will run, which may
 * have to start the server.
 */
export function readTarget(lesson: Lesson, values: Values, isWitnessed = true): Target {
  const { cmd, connect, step, right, way } = values;
  onlyOneOf({ cmd, connect, step, right: right ? '' : undefined });
  if (way !== undefined && (cmd !== undefined || connect !== undefined))
    throw new UsageError('--way goes with the servers of the lesson, not with --cmd and --connect');
  if (cmd !== undefined)
    return {
      lesson,
      subject: undefined,
      title: cmd,
      step: cmd,
      sourceIn: place => ofLessonCommand(lesson, cmd, place),
    };
  if (connect !== undefined) {
    if (isWitnessed && lesson.witness.mustStart)
      throw new UsageError(
        `pain ${lesson.number} takes a server that is started, and started again: give --cmd, not --connect`,
      );
    const { host, port } = readAddress(connect, '--connect ');
    return {
      lesson,
      subject: undefined,
      title: connect,
      step: connect,
      sourceIn: () => ofLessonAddress(connect, host, port),
    };
  }
  const side = right ? 'right' : sideIn(lesson, step);
  const subject: Subject = { lesson, side, way: readWay(lesson, side, way) };
  const word = wordOf(subject);
  return {
    lesson,
    subject,
    title: nameOf(subject),
    step: word === String(lesson.number) ? lesson.number : word,
    sourceIn: place => ofSubject(subject, place),
  };
}

function sideIn(lesson: Lesson, word = String(lesson.number)): Side {
  const { number } = lesson;
  if (word === String(number)) return 'wrong';
  if (word === `${number}-right`) return 'right';
  if (word === 'src' && lesson.finished !== undefined) return 'src';
  const words = [String(number), `${number}-right`, ...(lesson.finished === undefined ? [] : ['src'])];
  const why = word === 'src' ? ': the finished server has nothing of it' : '';
  throw new UsageError(`--step ${word} is no server of lesson ${number}${why}; it is ${listed(words, 'or')}`);
}

/** The one that is named, or the default. */
export function readWay(lesson: Lesson, side: Side, way: string | undefined): string | undefined {
  const ways = waysOf(lesson, side);
  if (way === undefined) return ways[0];
  if (ways.includes(way)) return way;
  const known = ways.filter(each => each !== undefined);
  const has = known.length === 0 ? 'has one way only' : `takes --way ${listed(known, 'or')}`;
  throw new UsageError(`--way ${way} is none of lesson ${lesson.number}, ${side}, which ${has}`);
}
