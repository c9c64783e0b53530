/**
 * The servers that keep what they have acknowledged, and how each is started: on an empty folder in the system's folder
 * for temporary files, so TMPDIR says on which disk.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Size } from '../bench.ts';
import { startProcess } from '../peers/process.ts';
import { REDIS, redisIfInstalled, type Subject, startRedis, startTally, TALLY } from '../peers/subjects.ts';

/** As `npm start` has it: with a journal, replies wait, so no more lines come than the clients have under way. */
const JOURNAL_RING = 2 ** 16;

export const MEMORY: Subject = { ...TALLY, name: 'tally, no journal' };
export const ALWAYS = withJournal('tally, --sync always', ['--sync', 'always']);
export const INTERVAL = withJournal('tally, --sync interval', ['--sync', 'interval']);
export const NEVER = withJournal('tally, --sync never', ['--sync', 'never']);

export const REDIS_MEMORY: Subject = { ...REDIS, name: 'redis, no file' };
export const REDIS_EVERYSEC = withFile('redis, everysec', 'everysec');
export const REDIS_ALWAYS = withFile('redis, always', 'always');

export const SQLITE: Subject = {
  name: 'SQLite in Node',
  protocol: 'tally',
  keepsMoney: true,
  endsWith: 'SIGTERM',
  start() {
    const { folder, cleanUp } = newFolder();
    return startProcess({
      name: SQLITE.name,
      program: process.execPath,
      args: [fileURLToPath(new URL('./sqlite-server.js', import.meta.url)), folder],
      portOf: line => (/^\d+$/.test(line) ? Number(line) : undefined),
      cleanUp,
    });
  },
};

/** Tally with a journal in a folder of its own, which goes with it. */
export function withJournal(name: string, flags: string[]): Subject {
  return {
    ...TALLY,
    name,
    start() {
      const { folder, cleanUp } = newFolder();
      return startTally(['--data', folder, '--ring', String(JOURNAL_RING), ...flags], [], { cleanUp });
    },
  };
}

export function newFolder(): { folder: string; cleanUp(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'tally-bench-journal-'));
  // A process that was killed a moment ago may still be writing.
  const cleanUp = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  return { folder, cleanUp };
}

/** Redis with an append-only file. */
function withFile(name: string, appendfsync: string): Subject {
  return { ...REDIS, name, start: () => startRedis(name, { appendonly: 'yes', appendfsync }) };
}

/** All that are installed, and answer the lines that the clients send; says which are not. Small: one of each kind. */
export async function installed(size: Size, say: (line: string) => void): Promise<Subject[]> {
  const [tally, redis] =
    size === 'small'
      ? [[ALWAYS], [REDIS_ALWAYS]]
      : [
          [MEMORY, ALWAYS, INTERVAL, NEVER],
          [REDIS_MEMORY, REDIS_EVERYSEC, REDIS_ALWAYS],
        ];
  return [...tally, ...(await redisIfInstalled(say, redis)), ...(await sqliteIfInstalled(say))];
}

async function sqliteIfInstalled(say: (line: string) => void): Promise<Subject[]> {
  try {
    const { default: Database } = await import('better-sqlite3');
    new Database(':memory:').close();
    return [SQLITE];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === 'ERR_MODULE_NOT_FOUND' ? 'npm install --no-save better-sqlite3@12' : message.split('\n')[0];
    say(`better-sqlite3 can't be loaded, so there are no figures for ${SQLITE.name}: ${why}`);
    return [];
  }
}
