/** The sources of servers to examine: a step, the finished server, a command, or a port. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { addressText } from '../../src/cli/terminal/address.ts';
import { findServer, startCommand, type Variables } from '../../src/tools/harness/elsewhere.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { freePort, type Server, startOnPort } from '../../src/tools/harness/server.ts';
import { FLAGS, type SettingName, type Settings, type Step, type Subject, stepOf } from './manifest.ts';

/** A step, a command or a port. `start` returns a new server each time, except for a port. */
export interface Source {
  /** As people read it: `step 5, bounded queue`, or the command. */
  name: string;
  subject: Subject | undefined;
  /** Whether it can be started with settings, signalled, and started anew. */
  isStarted: boolean;
  start(settings?: Settings): Promise<Server>;
}

export const START_LIMIT_MS = 30_000;

export function ofStep(subject: Subject): Source {
  return {
    name: labelOf(subject),
    subject,
    isStarted: true,
    start: settings => startStep(subject, settings),
  };
}

function labelOf(subject: Subject): string {
  return subject === 'src' ? 'src' : `step ${subject}`;
}

/** Starts a step, optionally with further flags of its own and flags for Node. */
export async function startStep(
  subject: Subject,
  settings?: Settings,
  flags: string[] = [],
  nodeFlags: string[] = [],
): Promise<Server> {
  const port = await freePort();
  const args =
    subject === 'src' ? serverArgs(port, settings) : stepArgs(stepOf(subject), port, settings, flags);
  const program = { name: labelOf(subject), program: process.execPath, args: [...nodeFlags, ...args] };
  return startOnPort(program, port, START_LIMIT_MS);
}

/** A shell command. It gets its port and the settings from its environment, or from placeholders such as `{port}`. */
export function ofCommand(command: string): Source {
  return {
    name: command,
    subject: undefined,
    isStarted: true,
    start: settings => startCommand(command, variablesOf(settings)),
  };
}

export function ofAddress(host: string, port: number): Source {
  return {
    name: addressText({ host, port }),
    subject: undefined,
    isStarted: false,
    start: () => findServer(host, port),
  };
}

/** Node's arguments to run a step: its source, if that is newer than the compiled file. */
export function stepArgs(step: Step, port: number, settings: Settings = {}, more: string[] = []): string[] {
  const flags = step.takes.flatMap(name => flagOf(name, settings));
  return [...runArgs(step.folder), '--port', String(port), ...flags, ...more];
}

function flagOf(name: SettingName, settings: Settings): string[] {
  const value = settings[name];
  return value === undefined ? [] : [FLAGS[name], String(value)];
}

/** Node's arguments to run the server in a folder of steps/, or another program there, without any of its own. */
export function runArgs(folder: string, program = 'server'): string[] {
  const source = `${ROOT}steps/${folder}`;
  const compiled = `${ROOT}dist/steps/${folder}`;
  // A package has the sources to be read: nobody changes them there, and their times are those of its installation.
  const isChanged = existsSync(`${ROOT}tsconfig.json`) && newestMs(source, '.ts') > newestMs(compiled, '.js');
  return isChanged ? [...sourceFlags(), `${source}/${program}.ts`] : [`${compiled}/${program}.js`];
}

/** A Node that strips types runs sources directly. Others need tsx, registered in every thread. */
export function sourceFlags(): string[] {
  const isStripping = 'typescript' in process.features && process.features.typescript !== false;
  return isStripping ? [] : ['--import', `${ROOT}steps/kit/register.mjs`];
}

function newestMs(folder: string, ending: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder).filter(name => name.endsWith(ending));
  return Math.max(0, ...files.map(name => statSync(`${folder}/${name}`).mtimeMs));
}

/** The finished server has no window between reading and writing: both costs are added. */
function serverArgs(
  port: number,
  { workers, queue, workUs = 0, windowUs = 0, work = 'block' }: Settings = {},
): string[] {
  const flags = {
    workers,
    ring: queue,
    'work-us': workUs + windowUs || undefined,
    work,
    'log-format': 'json',
  };
  return [
    `${ROOT}dist/src/cli/main.js`,
    'serve',
    '--port',
    String(port),
    ...Object.entries(flags).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, String(value)],
    ),
  ];
}

export function variablesOf(settings: Settings = {}): Variables {
  const { workers = 4, queue = 1024, workUs = 0, windowUs = 0, work = 'block', own = {} } = settings;
  const owned = Object.entries(own).map(([name, value]) => [
    name.toUpperCase().replaceAll('-', '_'),
    String(value),
  ]);
  return {
    ...Object.fromEntries(owned),
    WORKERS: String(workers),
    QUEUE: String(queue),
    WORK_US: String(workUs),
    WINDOW_US: String(windowUs),
    WORK: work,
  };
}
