/**
 * PostgreSQL: a cluster of its own, as installed but for where it listens and whom it trusts: `fsync` is on, and the
 * isolation level is the default. It refuses to run as root. Then it runs as the user that packages make for it, or as
 * nobody.
 */
import { execFile, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, ServerError, startSaying } from '../../../src/tools/harness/server.ts';
import { within } from '../../../src/tools/harness/waiting.ts';
import { type Engine, type EngineKind, inShell } from './engine.ts';

/** Where Debian has the server's programs, by version: they are not on the path. */
const PACKAGED = '/usr/lib/postgresql';
const ROLE = 'tally';
const DATABASE = 'postgres';
const SERVER_USERS = ['postgres', 'nobody'];
const CONNECTIONS_MAX = 300;
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 5_000;

interface Owner {
  uid: number;
  gid: number;
}

export const POSTGRES: EngineKind = {
  name: 'postgres',
  title: 'PostgreSQL',
  debian: 'postgresql',
  brew: 'postgresql',
  isHere: () => programs() !== undefined,
  start,
};

/** The folder of the server's programs. */
function programs(): string | undefined {
  const versions = existsSync(PACKAGED) ? readdirSync(PACKAGED) : [];
  const newest = versions
    .sort((a, b) => Number(b) - Number(a))
    .map(version => join(PACKAGED, version, 'bin'));
  const folders = [...newest, ...(process.env.PATH ?? '').split(delimiter).filter(Boolean)];
  return folders.find(folder => ['initdb', 'postgres'].every(name => existsSync(join(folder, name))));
}

async function start(): Promise<Engine> {
  const bin = programs()!;
  const folder = mkdtempSync(join(tmpdir(), 'tally-postgres-'));
  const cleanUp = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', cleanUp);
  try {
    const user = ownerOf(folder);
    const data = join(folder, 'data');
    const how = [`--pgdata=${data}`, `--username=${ROLE}`, '--auth=trust', '--no-locale', '--encoding=UTF8'];
    await promisify(execFile)(join(bin, 'initdb'), [...how, '--no-sync'], { cwd: folder, ...user });
    const port = await freePort();
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: folder,
      max_connections: CONNECTIONS_MAX,
    };
    const set = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = await startSaying(
      {
        name: 'postgres',
        program: 'sh',
        args: inShell(join(bin, 'postgres'), ['-D', data, ...set]),
        cwd: folder,
        ...(user && { user }),
        isGroup: true,
        cleanUp,
      },
      line => (line.includes('ready to accept connections') ? port : undefined),
      START_MS_MAX,
    );
    return {
      name: 'postgres',
      url: `postgres://${ROLE}@127.0.0.1:${port}/${DATABASE}`,
      pid: server.pid,
      signal: server.signal,
      async stop() {
        // At once: nobody will ever read these files again. Its children are given the time to leave the folder.
        server.signal('SIGQUIT');
        await within(STOP_MS_MAX, server.ended);
        await server.stop();
        process.off('exit', cleanUp);
        cleanUp();
      },
    };
  } catch (error) {
    process.off('exit', cleanUp);
    cleanUp();
    throw error;
  }
}

/** Whom the server runs as, where this process is root: then the folder is that user's. */
function ownerOf(folder: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of SERVER_USERS) {
    const [uid, gid] = ['-u', '-g'].map(which =>
      Number(spawnSync('id', [which, name], { encoding: 'utf8' }).stdout.trim() || Number.NaN),
    ) as [number, number];
    if (Number.isNaN(uid)) continue;
    chownSync(folder, uid, gid);
    return { uid, gid };
  }
  throw new ServerError(
    `PostgreSQL refuses to run as root, and there is no user ${SERVER_USERS.join(' or ')}`,
  );
}
