/**
 * The path of a request: the files of src in which any function runs between a line and its reply, in a real server,
 * and the files that use a setting. Fewer is better: each must be read to follow a request.
 */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CommandError } from '../../src/cli/terminal/command.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { type StartedServer, startSaying } from '../../src/tools/harness/server.ts';
import type { Ran } from './ran-preload.ts';
import { filesUnder, importsOf } from './tree.ts';

const PRELOAD = `${ROOT}dist/bench/structure/ran-preload.js`;
const START_MS_MAX = 15_000;
/** After this time idle workers sleep, and no timer of the start is left. */
const SETTLE_MS = 200;
const ROUNDS = 4;
/** Each of a user that the server has not seen. */
const eventOf = (round: number) => `{"user":"alice-${round}","action":"buy","amount":1}\n`;
const metrics = () => '{"type":"metrics","detail":true}\n';

export interface Walk {
  what: string;
  files: Visited[];
}

interface Visited {
  /** From the checkout's root, as a source. */
  path: string;
  /** What of it ran, where that is known. */
  functions: string[];
}

/** In a compiled checkout, this one or another. */
export async function walksIn(folder: string, setting: string): Promise<Walk[]> {
  const root = resolve(folder);
  const { server, client } = await started(root);
  try {
    const eventFiles = await walk(root, server, client, eventOf);
    const metricsFiles = await walk(root, server, client, metrics);
    const workerFiles = [...importedFrom(join(root, 'dist/src/engine/worker.js'))]
      .map(file => sourceOf(root, file))
      .filter(file => !eventFiles.some(({ path }) => path === file));
    return [
      { what: 'an event, on the main thread', files: eventFiles },
      // A worker has no moment in which it could be asked. Nearly all that it imports serves every event.
      { what: 'an event, in the worker besides: what its module imports', files: unseen(workerFiles) },
      { what: 'detailed metrics, on the main thread', files: metricsFiles },
      { what: `the setting ${setting}, where it is named`, files: unseen(filesNaming(root, setting)) },
    ];
  } finally {
    client.close();
    await server.stop();
  }
}

async function started(root: string): Promise<{ server: StartedServer; client: Client }> {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  // As it says itself how it is started.
  const words = scripts.start.split(' ').map(word => (word.endsWith('.js') ? join(root, word) : word));
  const args = words.slice(words.indexOf('node') + 1);
  const missing = [PRELOAD, ...args.filter(word => word.endsWith('.js'))].find(file => !existsSync(file));
  if (missing !== undefined) throw new CommandError(`there is no ${missing}: npm run build first`);
  const server = await startSaying(
    {
      name: 'the server',
      program: process.execPath,
      args: ['--import', pathToFileURL(PRELOAD).href, ...args, '--port', '0', '--log-format', 'json'],
      hasChannel: true,
    },
    line => {
      const { event, port } = JSON.parse(line) as { event: string; port: number };
      return event === 'listening' ? port : undefined;
    },
    START_MS_MAX,
  );
  return { server, client: await Client.open(server.port) };
}

/** The files that run every time, because a timer of the server may run by chance during one of them. */
async function walk(
  root: string,
  server: StartedServer,
  client: Client,
  requestOf: (round: number) => string,
): Promise<Visited[]> {
  const rounds: Map<string, string[]>[] = [];
  while (rounds.length < ROUNDS) {
    await sleep(SETTLE_MS);
    await ran(server);
    await client.ask(requestOf(rounds.length));
    rounds.push(new Map(await ran(server)));
  }
  const [first, ...others] = rounds;
  const sources = pathToFileURL(join(root, 'dist/src/')).href;
  return [...first!]
    .filter(([url]) => url.startsWith(sources) && others.every(round => round.has(url)))
    .map(([url, functions]) => ({ path: sourceOf(root, fileURLToPath(url)), functions }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What ran since the last time. */
async function ran({ child }: StartedServer): Promise<Ran[]> {
  child.send('take');
  const [found] = (await once(child, 'message')) as [Ran[]];
  return found;
}

function sourceOf(root: string, compiled: string): string {
  return compiled.slice(join(root, 'dist/').length).replace(/\.js$/, '.ts');
}

/** A compiled file and all its direct and indirect imports. */
function importedFrom(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  for (const { path } of importsOf({ path: file, text: readFileSync(file, 'utf8') }))
    if (path !== undefined) importedFrom(path, found);
  return found;
}

const unseen = (paths: string[]): Visited[] => paths.sort().map(path => ({ path, functions: [] }));

function filesNaming(root: string, word: string): string[] {
  const pattern = new RegExp(`\\b${word}\\b`);
  return filesUnder('src', /\.ts$/, root)
    .filter(({ text }) => pattern.test(text))
    .map(({ path }) => path);
}
