/**
 * What a lesson is, as data. From 11 on the path no longer builds one server: each lesson takes one thing that goes wrong,
 * and has two servers that stand alone, a wrong and a right one. All that a lesson is lies in its folder.
 */
import type { Case } from '../kit/check/case.ts';
import type { Question } from '../kit/predictions.ts';
import type { Source } from '../kit/server.ts';
import type { Value } from '../kit/values.ts';
import type { Finding, Say } from '../kit/witnesses/witness.ts';
import type { EngineName } from './engines/engine.ts';
import type { Place } from './place.ts';

/** The server with the pain, the one without it, and the finished server in src, where it has what the lesson is about. */
export type Side = 'wrong' | 'right' | 'src';

/** Settings by name: flags of servers of this repository, variables and placeholders for others. */
export type Given = Readonly<Record<string, string | number>>;

/** A flag of both servers, beside `--port`, `--data`, `--way` and the addresses of engines. */
export interface LessonFlag extends Value {
  meaning: string;
  /** What it is where nobody says it. */
  usual: number;
}

export interface LessonWitness {
  /** It must start servers itself: with settings, more than once, or to end them. */
  mustStart: boolean;
  /**
   * Ends within `WITNESS_MS_MAX` and the time that servers take to start. Throws if there is no verdict. The source gives
   * every server that it starts the addresses of the engines, and the way under examination.
   */
  run(source: Source, say: Say, place: Place): Promise<Finding>;
}

/** What a witness found, in figures. */
type Seen = Pick<Finding, 'isPresent' | 'evidence'>;

/** What `tally race N N-right` sends, and what it says of the two. */
export interface LessonRace {
  /** Lines a second of an open loop; undefined: as fast as it gets. */
  ratePerS: number | undefined;
  connections: number;
  /** Lines that a connection may have under way. */
  pipeline: number;
  users: number;
  /** Of all laps of each server. */
  durationMs: number;
  /** Behind "Why:". */
  why: string;
  /** What the witness saw, in some words behind a name: `lost 5 of 10 accepted events`. */
  text(seen: Seen): string;
  /** The same in a cell of the table, and what is in front of it: `lost after kill -9`, `5 of 10`. */
  label: string;
  cell(seen: Seen): string;
}

export interface Lesson {
  number: number;
  /** In steps/, with README.md, wrong/ and right/. */
  folder: string;
  title: string;
  /** What each of the two does, in some words. */
  wrong: string;
  right: string;
  pain: string;
  /** What its pain teaches, in one sentence. */
  painLesson: string;
  /** What the field calls it. */
  covers: readonly string[];
  engines: readonly EngineName[];
  /** Packages that its servers import: development dependencies of this one. */
  packages: readonly string[];
  /**
   * What its servers call and is no engine, such as a slow downstream: `database` is `database.ts` beside them, which takes
   * `--port`, listens on loopback, and is started for each run; they get its address as `--database-url tcp://HOST:PORT`.
   */
  companions?: readonly string[];
  /** Its servers take `--data`, a folder that outlives them. */
  keepsData: boolean;
  flags: Readonly<Record<string, LessonFlag>>;
  /** The values of `--way`, where a side has several; the first is the default. */
  ways?: { wrong?: readonly string[]; right?: readonly string[] };
  /** The flags with which `tally serve` shows what the lesson is about; undefined where it has nothing of it. */
  finished?(own: Given): string[];
  witness: LessonWitness;
  question: Question;
  race?: LessonRace;
  /** What `tally check` asks beside the contract. */
  cases: readonly Case[];
}

/** One server of a lesson. */
export interface Subject {
  lesson: Lesson;
  side: Side;
  /** One of the ways of that side; undefined where it has only one. */
  way: string | undefined;
}

/** Every server that the witness of a lesson is for: the wrong side first. */
export function subjectsOf(lesson: Lesson): Subject[] {
  const sides: Side[] = ['wrong', 'right', ...(lesson.finished === undefined ? [] : ['src' as const])];
  return sides.flatMap(side => waysOf(lesson, side).map(way => ({ lesson, side, way })));
}

export function waysOf({ ways = {} }: Lesson, side: Side): readonly (string | undefined)[] {
  return (side === 'src' ? undefined : ways[side]) ?? [undefined];
}

/** The pain is in the wrong server, whichever way it goes, and in no other. */
export function isPainExpected({ side }: Subject): boolean {
  return side === 'wrong';
}

/** On a command line: `11`, `11-right`, `src`. */
export function wordOf({ lesson, side }: Subject): string {
  if (side === 'src') return side;
  return side === 'wrong' ? String(lesson.number) : `${lesson.number}-right`;
}

/** For readers: `lesson 11, crash (right)`. */
export function nameOf({ lesson, side, way }: Subject): string {
  if (side === 'src') return 'src, the finished server';
  return `lesson ${lesson.number}, ${lesson.title} (${side}${way === undefined ? '' : `, ${way}`})`;
}
