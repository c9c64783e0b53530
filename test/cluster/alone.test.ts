/** A server alone loads nothing of a cluster, and no package of NATS. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { startServer } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'tally-alone-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** All files that a process has loaded that was told to say so at its end. */
function loadedIn(dir: string): string[] {
  return readdirSync(dir).flatMap(name => {
    const { result } = JSON.parse(readFileSync(join(dir, name), 'utf8')) as { result: { url: string }[] };
    return result.map(({ url }) => url).filter(url => url.startsWith('file:'));
  });
}

const ofCluster = (urls: string[]) => urls.filter(url => /\/src\/cluster\/|@nats-io/.test(url));

test('a server alone loads no file of a cluster, and no package of NATS', async () => {
  const dir = join(folder, 'alone');
  const server = await startServer([], { NODE_V8_COVERAGE: dir });
  await server.stop();
  const urls = loadedIn(dir);
  expect(urls.some(url => url.includes('/src/engine/engine.'))).toBe(true);
  expect(ofCluster(urls)).toEqual([]);
});

test('it would be seen if it did', () => {
  const dir = join(folder, 'cluster');
  const link = fileURLToPath(new URL('../../dist/src/cluster/link-thread.js', import.meta.url));
  execFileSync(process.execPath, [link], { env: { ...process.env, NODE_V8_COVERAGE: dir } });
  const urls = ofCluster(loadedIn(dir));
  expect(urls.some(url => url.includes('/src/cluster/link.'))).toBe(true);
  expect(urls.some(url => url.includes('@nats-io'))).toBe(true);
});
