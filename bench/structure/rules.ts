/** The rules of the tree as data: which room may import which, and how long files may be. This is their only place. */
import { STEPS } from '../../steps/kit/manifest.ts';
import { LESSONS } from '../../steps/lesson-kit/lessons.ts';

/** Files whose imports have one rule: a folder, or one file. A file's room is the longest of these that holds it. */
export interface Room {
  /** What it may import besides its own files: rooms, or folders of rooms. */
  may: readonly string[];
  /** What it may import types from. */
  mayTypes?: readonly string[];
}

/** All that a program outside of the server needs of src. */
const OUTSIDE = ['src/tools', 'src/cli/terminal'];
const LOW = [
  'src/protocol',
  'src/threads',
  'src/engine',
  'src/journal',
  'src/log.ts',
  'src/metrics',
  'src/config',
];

/** From low to high. */
export const ROOMS: Readonly<Record<string, Room>> = {
  'src/protocol': { may: [] },
  'src/threads': { may: [] },
  'src/engine': { may: ['src/protocol', 'src/threads'] },
  'src/journal': { may: ['src/protocol', 'src/threads', 'src/engine', 'src/journal/lock.ts'] },
  // Nodes of a cluster lock their folders, too, and have nothing else of a journal.
  'src/journal/lock.ts': { may: [] },
  // Commands that read a journal, beside a server or without one.
  'src/journal/cli': { may: ['src/journal', 'src/cli/terminal'] },
  // Who may do what: pure, so that every way in asks the same.
  'src/security': { may: ['src/protocol'], mayTypes: ['src/config'] },
  // The command that writes the file of tokens.
  'src/security/cli': { may: ['src/security', 'src/cli/terminal'] },
  // Nodes that share a journal in NATS: what takes the place of the engine, made of its parts. Loaded only by one of them.
  'src/cluster': {
    may: ['src/protocol', 'src/threads', 'src/engine', 'src/config', 'src/journal/lock.ts'],
  },
  // A command that looks at one from outside.
  'src/cluster/cli': { may: ['src/cluster', 'src/config', 'src/cli/terminal'] },
  'src/output.ts': { may: [] },
  'src/log.ts': { may: [] },
  'src/signals.ts': { may: [] },
  'src/metrics': { may: ['src/protocol', 'src/engine'], mayTypes: ['src/journal', 'src/cluster'] },
  'src/config': {
    may: ['src/cli/terminal'],
    mayTypes: ['src/protocol', 'src/engine', 'src/journal', 'src/log.ts'],
  },
  'src/net': { may: ['src/log.ts'], mayTypes: ['src/config'] },
  // Asked by sessions, which know only its types: it is loaded where somebody has to be kept out.
  'src/guard': {
    may: ['src/protocol', 'src/security'],
    mayTypes: ['src/engine', 'src/net', 'src/log.ts', 'src/config'],
  },
  // What who has the right to may have done: loaded where clients say who they are.
  'src/admin': {
    may: ['src/protocol', 'src/engine', 'src/security', 'src/guard', 'src/log.ts'],
    mayTypes: ['src/journal'],
  },
  'src/commands': {
    may: ['src/protocol', 'src/engine', 'src/metrics', 'src/security'],
    mayTypes: ['src/guard'],
  },
  'src/session': {
    may: ['src/net', 'src/commands', 'src/protocol', 'src/engine', 'src/metrics', 'src/config'],
    mayTypes: ['src/log.ts', 'src/guard'],
  },
  'src/http': {
    may: LOW.filter(room => room !== 'src/protocol').concat(
      'src/security',
      'src/net',
      'src/guard',
      'src/commands',
      'src/session',
    ),
  },
  'src/server': {
    may: [
      ...LOW,
      'src/cluster',
      'src/signals.ts',
      'src/security',
      'src/net',
      'src/guard',
      'src/admin',
      'src/commands',
      'src/session',
      'src/http',
    ],
  },
  // The terminal and the tools know the server over the wire only, so that none of its mistakes can hide from them.
  'src/cli/terminal': { may: [] },
  'src/tools': { may: ['src/cli/terminal'] },
  // For programs of others: it stands alone.
  'src/client': { may: [] },
  // The table of commands, and so the only file of src that knows the steps.
  'src/cli/main.ts': { may: ['src', 'steps'] },
  'src/cli/serve.ts': { may: ['src'] },
  // It finds in files what a start would find.
  'src/cli/config': { may: ['src/cli/terminal', 'src/config', 'src/server'] },
  'src/cli/cluster.ts': { may: ['src/cli/terminal', 'src/tools', 'src/cluster/cli'] },
  'src/cli/start-display.ts': { may: ['src/cli/terminal'], mayTypes: ['src'] },
  'src/cli/version.ts': { may: [] },
  // Each of the ten steps is read, and must run, alone.
  ...Object.fromEntries(STEPS.map(({ folder }) => [`steps/${folder}`, { may: [] }])),
  // And each of the two servers of a lesson.
  ...Object.fromEntries(
    LESSONS.flatMap(({ folder }) => ['wrong', 'right'].map(side => [`steps/${folder}/${side}`, { may: [] }])),
  ),
  steps: { may: ['steps', ...OUTSIDE] },
  'steps/kit/foreground.ts': { may: ['steps', ...OUTSIDE, 'src/signals.ts'] },
  // Those run what the server is made of: in every order, and beside other ways to do the same.
  'steps/explore/scenarios': {
    may: ['steps', ...OUTSIDE, 'src/protocol', 'src/engine', 'src/journal'],
  },
  'bench/micro': { may: ['bench', 'src/tools', 'src/engine', 'src/protocol', 'src/security', 'src/cluster'] },
  // It writes journals as the server does.
  'bench/journal/written.ts': { may: ['bench', 'src/engine', 'src/journal'] },
  'bench/peers/floor.ts': { may: ['bench', 'src/net'] },
  bench: { may: ['bench', 'steps', ...OUTSIDE] },
  test: { may: ['src', 'steps', 'bench', 'test'] },
};

export interface LengthRule {
  linesMax: number;
  why: string;
}

/** By the path that contains a file, as with rooms. */
export const LENGTHS: Readonly<Record<string, LengthRule>> = {
  '': { linesMax: 350, why: 'what is longer is not read in one sitting' },
  ...Object.fromEntries(
    ['src/net', 'src/session', 'src/commands', 'src/protocol', 'src/engine'].map(room => [
      room,
      { linesMax: 250, why: 'one noun a file, where it matters most' },
    ]),
  ),
};

/** The longest of the names that is a path itself or holds it. */
export function holderOf<Value>(path: string, table: Readonly<Record<string, Value>>): string | undefined {
  return Object.keys(table)
    .filter(name => name === '' || path === name || path.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0];
}
