/**
 * PostgreSQL: a cluster of its own in a temporary folder, reached by a Unix socket, and its own client, pgbench, which
 * sends one `UPDATE` a transaction over each of the connections. As installed: `fsync` and `synchronous_commit` are on.
 *
 * It refuses to run as root. Then it runs as the user that packages make for it, or as nobody.
 */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { familyCpuSecondsOf } from '../../src/tools/harness/cpu.ts';
import type { Size } from '../bench.ts';
import { type PeerProcess, startProcess } from '../peers/process.ts';
import type { Subject } from '../peers/subjects.ts';
import {
  CONNECTIONS,
  difference,
  figuresOf,
  onFresh,
  SpoiltError,
  USERS,
  untilSound,
} from '../peers/trial.ts';
import type { Figure, Trial } from '../rounds.ts';
import { newFolder } from './subjects.ts';

const execute = promisify(execFile);

const NAME = 'PostgreSQL';
/** Where Debian's packages have the server's own programs, by version. */
const PACKAGED = '/usr/lib/postgresql';
const SERVER_USERS = ['postgres', 'nobody'];
const ROLE = 'bench';
const AMOUNT = 50;
const MEASURED: Record<Size, string[]> = { small: ['-t', '5'], full: ['-T', '2'] };
/** Of each connection, however long opening them takes. */
const WARMUP: Record<Size, string[]> = { small: ['-t', '1'], full: ['-t', '100'] };
const TABLE = [
  'DROP TABLE IF EXISTS balances',
  // Room in each page, so that new versions of a row stay in it.
  'CREATE TABLE balances (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50)',
  `INSERT INTO balances SELECT id, 0 FROM generate_series(1, ${USERS}) AS id`,
];
const UPDATE = `\\set id random(1, ${USERS})\nUPDATE balances SET balance = balance + ${AMOUNT} WHERE id = :id;\n`;

interface Owner {
  uid: number;
  gid: number;
}

interface Cluster {
  folder: string;
  programs: string;
  user: Owner | undefined;
}

/** Makes a cluster for the work and removes it; undefined, with a message, where PostgreSQL is not installed. */
export async function withPostgres<Found>(
  say: (line: string) => void,
  work: (cluster: Cluster | undefined) => Promise<Found>,
): Promise<Found> {
  const programs = programsIn(process.env.PATH ?? '');
  if (programs === undefined) {
    say(`pgbench or its server is not installed, so there are no figures for ${NAME}`);
    return work(undefined);
  }
  const { folder, cleanUp } = newFolder();
  process.on('exit', cleanUp);
  try {
    const cluster = { folder, programs, user: await serverUser() };
    await makeCluster(cluster);
    return await work(cluster);
  } finally {
    process.off('exit', cleanUp);
    cleanUp();
  }
}

/** The folder of the server's programs, if there is the client too. */
export function programsIn(path: string, packaged = PACKAGED): string | undefined {
  const folders = path.split(delimiter).filter(folder => folder !== '');
  const has = (program: string) => (folder: string) => existsSync(join(folder, program));
  if (!folders.some(has('pgbench'))) return undefined;
  const versions = existsSync(packaged) ? readdirSync(packaged) : [];
  const newest = versions
    .sort((a, b) => Number(b) - Number(a))
    .map(version => join(packaged, version, 'bin'));
  return [...folders, ...newest].find(has('initdb'));
}

export function postgresTrial(
  cluster: Cluster,
  condition: string,
  size: Size,
  say: (line: string) => void,
): Trial {
  const server: Subject = {
    name: NAME,
    protocol: 'tally',
    keepsMoney: true,
    endsWith: 0,
    start: () => startServer(cluster),
  };
  return {
    subject: NAME,
    condition,
    run: () => untilSound(() => onFresh(server, ({ pid }) => measureUpdates(cluster, pid, size)), say),
  };
}

async function measureUpdates(cluster: Cluster, pid: number, size: Size): Promise<Figure[]> {
  await query(cluster, TABLE.join('; '));
  await query(cluster, 'VACUUM ANALYZE balances');
  const warm = await runPgbench(cluster, WARMUP[size]);
  const startCpuS = familyCpuSecondsOf(pid);
  const { answered, ratePerS } = await runPgbench(cluster, MEASURED[size]);
  const cpuS = difference(startCpuS, familyCpuSecondsOf(pid));
  const sum = Number(await query(cluster, 'SELECT sum(balance) FROM balances'));
  const expected = (warm.answered + answered) * AMOUNT;
  if (sum !== expected) throw new Error(`${NAME}: the balances add up to ${sum}, not to ${expected}`);
  return figuresOf({ result: { answered, ratePerS }, cpuS }, 'event');
}

async function runPgbench(cluster: Cluster, howLong: string[]) {
  const script = join(cluster.folder, 'update.sql');
  const { stdout } = await execute('pgbench', [
    ...['--no-vacuum', '--protocol=prepared', `--client=${CONNECTIONS}`, `--file=${script}`, ...howLong],
    ...asRole(cluster),
    'postgres',
  ]);
  const answered = Number(/transactions actually processed: (\d+)/.exec(stdout)?.[1]);
  const ratePerS = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1]);
  const failed = Number(/failed transactions: (\d+)/.exec(stdout)?.[1] ?? 0);
  if (answered === 0) throw new SpoiltError(`${NAME}: no transaction ended in time`);
  if (!(answered > 0 && ratePerS > 0) || failed > 0) throw new Error(`${NAME}: pgbench said ${stdout}`);
  return { answered, ratePerS };
}

async function query(cluster: Cluster, statement: string): Promise<string> {
  const how = ['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1'];
  const args = [...how, ...asRole(cluster), `--command=${statement}`, 'postgres'];
  return (await execute('psql', args)).stdout.trim();
}

function asRole({ folder }: Cluster): string[] {
  return [`--host=${folder}`, `--username=${ROLE}`];
}

async function makeCluster({ folder, programs, user }: Cluster): Promise<void> {
  writeFileSync(join(folder, 'update.sql'), UPDATE);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const options: ExecFileOptions = { cwd: folder, ...user };
  await execute(
    join(programs, 'initdb'),
    [
      `--pgdata=${join(folder, 'data')}`,
      `--username=${ROLE}`,
      '--auth=trust',
      '--no-locale',
      '--encoding=UTF8',
    ],
    options,
  );
}

/** Its log is on standard error; a shell turns it to where the harness listens, and becomes the server. */
function startServer({ folder, programs, user }: Cluster): Promise<PeerProcess> {
  const settings = { listen_addresses: '', unix_socket_directories: folder };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return startProcess({
    name: NAME,
    program: 'sh',
    args: ['-c', 'exec "$0" "$@" 2>&1', join(programs, 'postgres'), '-D', join(folder, 'data'), ...args],
    cwd: folder,
    ...(user && { user }),
    // By the socket's folder; the port is in its name only.
    portOf: line => (line.includes('ready to accept connections') ? 5432 : undefined),
  });
}

/** Whom the server runs as, where this process is root. */
async function serverUser(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of SERVER_USERS) {
    const idOf = async (which: string) => Number((await execute('id', [which, name])).stdout);
    try {
      return { uid: await idOf('-u'), gid: await idOf('-g') };
    } catch {
      // There is no such user; the next one.
    }
  }
  throw new Error(`${NAME} refuses to run as root, and there is no user ${SERVER_USERS.join(' or ')}`);
}
