/** The servers that are compared, and how each is started. One runs at a time, on a free loopback port. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../src/tools/harness/server.ts';
import type { ProtocolName } from '../../src/tools/load/plan.ts';
import { type Command, NotInstalledError, type PeerProcess, startProcess } from './process.ts';

const REDIS_STARTS_MAX = 5;

export interface Subject {
  name: string;
  protocol: ProtocolName;
  /** Whether it keeps balances that can be compared with what it accepted. */
  keepsMoney: boolean;
  /** How it ends when nothing went wrong. */
  endsWith: number | NodeJS.Signals;
  start(): Promise<PeerProcess>;
}

/**
 * More than the default: client, socket thread and worker may share two cores, and while a worker waits for one,
 * several lines a microsecond arrive. A refused line is no work done, so a trial with one does not count.
 */
const TALLY_RING = 2 ** 18;

/** As `npm start` starts it, but for the ring. Its exit code says whether its own ledger balances. */
export const TALLY: Subject = {
  name: 'tally',
  protocol: 'tally',
  keepsMoney: true,
  endsWith: 0,
  start: () => startTally(),
};

/** A line of its log. */
export type Entry = Record<string, unknown> & { event: string };

interface MoreOfTally extends Pick<Command, 'cleanUp'> {
  /** The program; another build's, if it is given. */
  main?: string;
  /** Hears each line of its log. */
  onEntry?(entry: Entry): void;
}

/** With flags of its own, and of Node's. */
export function startTally(
  flags: string[] = [],
  nodeFlags: string[] = [],
  { main = pathOf('../../src/cli/main.js'), onEntry, ...more }: MoreOfTally = {},
): Promise<PeerProcess> {
  return startProcess({
    ...more,
    name: 'tally',
    program: process.execPath,
    args: [
      ...['--max-semi-space-size=1', ...nodeFlags, main],
      ...['serve', '--port', '0', '--ring', String(TALLY_RING), '--log-format', 'json', ...flags],
    ],
    portOf: line => {
      const entry = JSON.parse(line) as Entry;
      onEntry?.(entry);
      return entry.event === 'listening' ? (entry.port as number) : undefined;
    },
  });
}

/** Memory only, as Tally: nothing is written to disk. */
export const REDIS: Subject = {
  name: 'redis INCRBY',
  protocol: 'redis',
  keepsMoney: true,
  endsWith: 0,
  start: () => startRedis('redis INCRBY'),
};

export const PLAIN: Subject = {
  name: 'plain Node',
  protocol: 'tally',
  keepsMoney: true,
  endsWith: 'SIGTERM',
  start: () => startProcess(nodeServer('plain Node', './plain.js')),
};

export const FLOOR: Subject = {
  name: 'node:net, fixed reply',
  protocol: 'tally',
  keepsMoney: false,
  endsWith: 'SIGTERM',
  start: () => startProcess(nodeServer('node:net, fixed reply', './floor.js')),
};

/** These, or none with a message: Redis may be missing. */
export async function redisIfInstalled(
  say: (line: string) => void,
  subjects: Subject[] = [REDIS],
): Promise<Subject[]> {
  try {
    await (await subjects[0]!.start()).stop();
    return subjects;
  } catch (error) {
    if (!(error instanceof NotInstalledError)) throw error;
    say(error.message);
    return [];
  }
}

function pathOf(compiled: string): string {
  return fileURLToPath(new URL(compiled, import.meta.url));
}

/** Its output is its port. */
function nodeServer(name: string, compiled: string): Command {
  return {
    name,
    program: process.execPath,
    args: [pathOf(compiled)],
    portOf: line => (/^\d+$/.test(line) ? Number(line) : undefined),
  };
}

/** Redis can't take port 0. Between finding a free one and its listening, another may take it: then once more. */
export async function startRedis(name: string, changed: Record<string, string> = {}): Promise<PeerProcess> {
  for (let start = 1; ; start++) {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'tally-bench-redis-'));
    const usual = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', daemonize: 'no' };
    try {
      return await startProcess({
        name,
        program: 'redis-server',
        args: Object.entries({ ...usual, ...changed }).flatMap(([key, value]) => [`--${key}`, String(value)]),
        portOf: line => (line.includes('Ready to accept connections') ? port : undefined),
        cleanUp: () => rmSync(folder, { recursive: true, force: true }),
      });
    } catch (error) {
      if (error instanceof NotInstalledError || start === REDIS_STARTS_MAX) throw error;
    }
  }
}
