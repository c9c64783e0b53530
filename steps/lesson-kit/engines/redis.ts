/** Redis, which keeps nothing on the disk here: it is fast, and it is gone when it ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, ServerError, startSaying } from '../../../src/tools/harness/server.ts';
import { type Engine, type EngineKind, inShell, isProgramHere } from './engine.ts';

const START_MS_MAX = 30_000;
/** Between finding a free port and listening on it, another program may take it. */
const STARTS_MAX = 5;

export const REDIS: EngineKind = {
  name: 'redis',
  title: 'Redis',
  debian: 'redis-server',
  brew: 'redis',
  isHere: () => isProgramHere('redis-server'),
  start: async () => {
    for (let start = 1; ; start += 1)
      try {
        return await startOnce();
      } catch (error) {
        if (start === STARTS_MAX || !(error instanceof ServerError)) throw error;
      }
  },
};

async function startOnce(): Promise<Engine> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'tally-redis-'));
  const settings = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', daemonize: 'no' };
  const server = await startSaying(
    {
      name: 'redis-server',
      program: 'sh',
      args: inShell(
        'redis-server',
        Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ),
      isGroup: true,
      cleanUp: () => rmSync(folder, { recursive: true, force: true }),
    },
    line => (line.includes('Ready to accept connections') ? port : undefined),
    START_MS_MAX,
  );
  const { pid, signal, stop } = server;
  return { name: 'redis', url: `redis://127.0.0.1:${port}`, pid, signal, stop };
}
