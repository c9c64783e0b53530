/**
 * What a machine gets that has no development tools: the package, installed into an empty folder, and the image, each
 * step of its Dockerfile done in a root of its own. Both then serve. It takes a registry, or npm's cache.
 */
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { freePort, startSaying } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Container, processOneOf, removeRoot, whyNoContainer } from '../deploy/container.ts';
import { lastOf, readDockerfile, wantedIn, wordsOf } from '../deploy/dockerfile.ts';
import { pack, run } from '../deploy/packed.ts';

const START_MS_MAX = 60_000;
const HEALTH_MS_MAX = 60_000;
const EVENT = '{"user":"alice","action":"buy","amount":100,"wait":true}\n';

const place = mkdtempSync(join(tmpdir(), 'tally-deploy-'));
afterAll(() => removeRoot(place));
const portOf = (line: string) => /"event":"listening".*"port":(\d+)/.exec(line)?.[1];

describe('the package, packed and installed into an empty folder', () => {
  const folder = join(place, 'package');
  const tally = join(folder, 'node_modules/.bin/tally');
  // Node and the shell, and nothing of this checkout.
  const path = [dirname(process.execPath), '/usr/bin', '/bin'].join(':');
  const cli = (...args: string[]) => run(tally, args, folder, 0, { PATH: path, HOME: folder });

  test('is one file, and needs nothing but Node', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const { file, paths } = await pack(place);
    expect(paths.filter(path => /^(?:src|test|bench|dist\/(?:bench|test))\/|\.map$/.test(path))).toEqual([]);
    await run('npm', ['install', '--omit=dev', file], folder);
    expect(await cli('--version')).toBe(
      `${JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version}\n`,
    );
  });

  test('serves, and loads', async () => {
    const server = await startSaying(
      {
        name: 'tally',
        program: tally,
        args: ['serve', '--port', '0', '--http', '0'],
        cwd: folder,
        env: { PATH: path },
      },
      line => (portOf(line) === undefined ? undefined : Number(portOf(line))),
      START_MS_MAX,
    );
    const { port } = server;
    const said = await cli(
      'load',
      '--port',
      `${port}`,
      '--connections',
      '4',
      '--events',
      '2000',
      '--check-balances',
    );
    expect(said).toContain('balanced: 2,000 events');
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ exitCode: 0 });
  });

  test('has the client, with its types', async () => {
    const program = `import { connect, type Tally } from 'tally/client';
      const tally: Tally = await connect({ port: Number(process.argv[2]) });
      const reply = await tally.transfer('alice', 'bob', 30);
      if (reply.status === 'rejected') throw new Error(reply.reason);
      const balance: number = reply.balance;
      console.log(balance);
      await tally.close();`;
    writeFileSync(join(folder, 'pay.mts'), program);
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
    const modules = ['--module', 'nodenext', '--target', 'es2022', '--strict', ...types];
    await run(join(ROOT, 'node_modules/.bin/tsc'), [...modules, 'pay.mts'], folder);
    const server = await startSaying(
      { name: 'tally', program: tally, args: ['serve', '--port', '0'], cwd: folder, env: { PATH: path } },
      line => (portOf(line) === undefined ? undefined : Number(portOf(line))),
      START_MS_MAX,
    );
    expect(await run(process.execPath, ['pay.mjs', `${server.port}`], folder)).toBe('-30\n');
    await server.stop();
  });

  test.each([
    ['steps', /blocking echo/],
    ['diff 4 5 --stat', /queue\.ts/],
    ['roadmap 4', /## Goal/],
    ['explore lost-update', /FORBIDDEN/],
    ['pain 3', /It hurts/],
  ])('has what tally %s needs', async (command, what) => {
    expect(await cli(...command.split(' '))).toMatch(what);
  });
});

test('a checkout without the development tools is installed, and says what is missing', async () => {
  const folder = join(place, 'checkout');
  mkdirSync(folder);
  for (const name of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(join(ROOT, name), join(folder, name));
  expect(await run('npm', ['ci', '--omit=dev'], folder)).toMatch(/^tally: not built, .*development tools/m);
  expect(await run('npm', ['start'], folder, 1)).toMatch(/^tally: not built yet: npm ci && npm run build$/m);
});

const whyNot = whyNoContainer();
if (whyNot !== undefined) console.warn(`skipped: the steps of the Dockerfile are not done: ${whyNot}`);

describe.skipIf(whyNot !== undefined)(
  'the image, each step of its Dockerfile done in a root of its own',
  () => {
    const [build, image] = readDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
    const entry = wordsOf(lastOf(image!, 'ENTRYPOINT'));
    const command = wordsOf(lastOf(image!, 'CMD'));
    const healthCheck = wordsOf(lastOf(image!, 'HEALTHCHECK'));
    const container = (name: string, more: Record<string, string> = {}) => {
      const root = join(place, name);
      mkdirSync(root);
      return new Container(root, more);
    };
    let final: Container;

    test('is built', async () => {
      const context = join(place, 'context');
      mkdirSync(context);
      for (const name of wantedIn(readFileSync(join(ROOT, '.dockerignore'), 'utf8')))
        cpSync(join(ROOT, name), join(context, name), { recursive: true });
      // What npm has to fetch, it finds where it was put before.
      const cache = (await run('npm', ['config', 'get', 'cache'], ROOT)).trim();
      const builder = container('build', { npm_config_cache: cache, npm_config_prefer_offline: 'true' });
      await builder.build(build!, () => context);
      final = container('image');
      await final.build(image!, stage => (stage === build!.name ? builder.root : context));
    });

    test(
      'serves as process 1, not as root; is well; and ends at its signal with its ledger',
      async () => {
        const port = await freePort();
        const settings = { TALLY_PORT: String(port), TALLY_LOG_FORMAT: 'json' };
        const child = final.start([...entry, ...command], settings);
        const events: Record<string, unknown>[] = [];
        createInterface({ input: child.stdout! }).on('line', line => events.push(JSON.parse(line)));
        const exited = once(child, 'exit');
        await until(() => events.length > 0, 'a first line', START_MS_MAX);
        expect(events[0]).toMatchObject({ event: 'listening', host: '0.0.0.0', port, pid: 1 });
        const pid = processOneOf(child);
        expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t1000\t1000\t/m);
        expect(await exchange(port, EVENT)).toBe('{"status":"ok","balance":100}\n');
        expect(await final.execute(healthCheck, settings)).toBe(0);
        process.kill(pid, lastOf(image!, 'STOPSIGNAL') as NodeJS.Signals);
        expect(await exited).toEqual([0, null]);
        expect(events.at(-1)).toMatchObject({ event: 'stopped', exitCode: 0, processed: 1, lost: 0 });
        expect(await final.execute(healthCheck, settings)).toBe(1);
      },
      START_MS_MAX + HEALTH_MS_MAX,
    );

    test('has the other commands too', async () => {
      expect(await final.execute([...entry, '--version'])).toBe(0);
      expect(await final.execute([...entry, 'load', '--help'])).toBe(0);
    });
  },
);
