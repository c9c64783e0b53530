/** The servers of a lesson, to be started in a place: a side, the finished server, or somebody's command. */
import { CommandError } from '../../src/cli/terminal/command.ts';
import { listed } from '../../src/cli/terminal/prose.ts';
import { findServer, startCommand } from '../../src/tools/harness/elsewhere.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { freePort, type Server, startOnPort } from '../../src/tools/harness/server.ts';
import type { Settings } from '../kit/manifest.ts';
import { runArgs, type Source, START_LIMIT_MS, variablesOf } from '../kit/server.ts';
import { settingOf } from './engines/engines.ts';
import { type Given, type Lesson, nameOf, type Subject, wordOf } from './lesson.ts';
import type { Place } from './place.ts';

/** The names of all that both its servers take, beside `port`. */
export function namesOf({ keepsData, ways, engines, companions = [], flags }: Lesson): string[] {
  return [
    ...(keepsData ? ['data'] : []),
    ...(ways === undefined ? [] : ['way']),
    ...[...engines, ...companions].map(settingOf),
    ...Object.keys(flags),
  ];
}

/** Node's arguments to run a server of a lesson. */
export function subjectArgs({ lesson, side, way }: Subject, port: number, own: Given): string[] {
  if (side !== 'src')
    return [...runArgs(`${lesson.folder}/${side}`), ...flagArgs({ lesson, side, way }, port, own)];
  const flags = ['--port', String(port), '--log-format', 'json', ...lesson.finished!(own)];
  return [`${ROOT}dist/src/cli/main.js`, 'serve', ...flags];
}

/** The flags of one of its two servers. */
export function flagArgs({ lesson, way }: Subject, port: number, own: Given): string[] {
  const given: Given = { ...own, ...(way !== undefined && { way }) };
  const flags = namesOf(lesson).flatMap(name =>
    given[name] === undefined ? [] : [`--${name}`, String(given[name])],
  );
  return ['--port', String(port), ...flags];
}

/** One server of the lesson. It may also be started with flags of Node's. */
export function ofSubject(subject: Subject, place: Place, nodeFlags: readonly string[] = []): Source {
  const name = wordOf(subject);
  return {
    name: nameOf(subject),
    subject: undefined,
    isStarted: true,
    async start(settings): Promise<Server> {
      const port = await freePort();
      const args = [...nodeFlags, ...subjectArgs(subject, port, ownOf(subject.lesson, place, settings))];
      return startOnPort({ name, program: process.execPath, args }, port, START_LIMIT_MS);
    },
  };
}

/** A command for a shell, as of the ten steps: it also gets `DATA` or `{data}`, and so on, and every flag of the lesson. */
export function ofLessonCommand(lesson: Lesson, command: string, place: Place): Source {
  return {
    name: command,
    subject: undefined,
    isStarted: true,
    start: settings =>
      startCommand(
        command,
        variablesOf({ ...settings, own: { ...usualOf(lesson), ...ownOf(lesson, place, settings) } }),
      ),
  };
}

/** For a server that hangs up, or is silent; undefined where a lesson has nothing that it could have missed. */
export function addressQuestion({ engines, companions = [] }: Lesson): string | undefined {
  const names = [...engines, ...companions].map(name => placeholderOf(settingOf(name)));
  if (names.length === 0) return undefined;
  const braced = names.map(name => `{${name}}`);
  return `Does it use ${listed(names.map(name => name.toUpperCase()))}, or ${listed(braced)} in the command?`;
}

/** For readers, what only commands of this lesson get: a row each. */
export function variablesIn({ number, companions = [], flags }: Lesson): string[] {
  const called = companions.map(name => [
    settingOf(name),
    `where its companion, ${name}.ts, listens: tcp://HOST:PORT`,
  ]);
  const told = Object.entries(flags).map(([name, { meaning, usual }]) => [name, `${meaning} (${usual})`]);
  return [...called, ...told].map(([name, meaning]) => {
    const placeholder = placeholderOf(name!);
    return `  ${number}  ${`${placeholder.toUpperCase()} or {${placeholder}}`.padEnd(34)}  ${meaning}`;
  });
}

function placeholderOf(name: string): string {
  return name.replaceAll('-', '_');
}

function usualOf({ flags }: Lesson): Given {
  return Object.fromEntries(Object.entries(flags).map(([name, { usual }]) => [name, usual]));
}

export function ofLessonAddress(name: string, host: string, port: number): Source {
  return {
    name,
    subject: undefined,
    isStarted: false,
    start: () => findServer(host, port),
  };
}

/**
 * A server that is not told of a folder gets a new one, also where those of the lesson keep nothing: the finished server
 * and somebody's command may.
 */
export function ownOf(lesson: Lesson, place: Place, settings: Settings = {}): Given {
  const own = { ...place.addresses, ...settings.own };
  const unknown = Object.keys(own).find(name => name !== 'data' && !namesOf(lesson).includes(name));
  if (unknown !== undefined)
    throw new CommandError(`lesson ${lesson.number} has no setting ${unknown}: see its lesson.ts`);
  return own.data === undefined ? { ...own, data: place.folder() } : own;
}
