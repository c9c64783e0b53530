import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { describe, expect, test } from 'vitest';
import { exchange } from '../src/tools/harness/client.ts';
import { CLI, runCli, startServer } from './support/server.ts';

const packageJson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
  engines: { node: string };
};

/** A mistake is one line on standard error and nothing on standard output. */
async function expectMistake(run: ReturnType<typeof runCli>, exitCode: number, what: RegExp): Promise<void> {
  const ran = await run;
  expect(ran).toMatchObject({ exitCode, stdout: '' });
  expect(ran.stderr).toMatch(/^tally: [^\n]+\n$/);
  expect(ran.stderr).toMatch(what);
}

describe('help', () => {
  test.each(['--help', '-h', 'help'])('tally %s says what there is', async flag => {
    const { exitCode, stdout, stderr } = await runCli([flag]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const word of ['tally serve', '--version', 'Exit codes', 'nc -N']) expect(stdout).toContain(word);
  });

  test('tally serve --help lists the flags, and starts nothing', async () => {
    const { exitCode, stdout, stderr } = await runCli(['serve', '--port', 'nonsense', '--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const flag of ['--port', '--ring', '--users', '--log-format', '--shutdown-ms-max'])
      expect(stdout).toContain(flag);
    expect((await runCli(['help', 'serve'])).stdout).toBe(stdout);
  });

  test.each(['--version', '-v'])('tally %s is the version of the package', async flag => {
    expect(await runCli([flag])).toEqual({ exitCode: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });
});

describe('wrong usage exits with 2 and says why', () => {
  test('no command: the help, on standard error', async () => {
    const { exitCode, stdout, stderr } = await runCli([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('tally serve');
  });

  test('an unknown command', () =>
    expectMistake(
      runCli(['sevre']),
      2,
      /^tally: unknown command: sevre \(serve\?\); tally --help lists the commands\n$/,
    ));

  test('an unknown flag', () => expectMistake(runCli(['serve', '--pots', '1']), 2, /unknown flag --pots/));

  test('a bad value', () =>
    expectMistake(
      runCli(['serve', '--ring', '1000']),
      2,
      /^tally: --ring 1000 is not a power of two; the next is 1024\n$/,
    ));

  test('a negative value', () => expectMistake(runCli(['serve', '--port', '-1']), 2, /--port -1 is not/));

  test('a bad variable, by its name', () =>
    expectMistake(
      runCli(['serve'], { TALLY_LINE_BYTES_MAX: '5' }),
      2,
      /^tally: TALLY_LINE_BYTES_MAX 5 is not a whole number from 512 to 1048576\n$/,
    ));
});

describe('a server that can not start exits with 1 and says why', () => {
  test('the port is in use', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as { port: number };
    try {
      await expectMistake(
        runCli(['serve', '--port', `${port}`]),
        1,
        new RegExp(`port ${port} on 127.0.0.1 is in use`),
      );
    } finally {
      squatter.close();
    }
  });

  test('the address is not of this machine', () =>
    expectMistake(
      runCli(['serve', '--host', '203.0.113.1', '--port', '0']),
      1,
      /203\.0\.113\.1 is not an address/,
    ));

  test('the host is no address at all', () =>
    expectMistake(
      runCli(['serve', '--host', '256.1.1.1.invalid', '--port', '0']),
      1,
      /256\.1\.1\.1\.invalid/,
    ));
});

describe('a Node that is too old', () => {
  test('is told in one line which one is needed', async () => {
    const version = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.18.1' } })`;
    const run = runCli(['serve', '--port', '0'], {
      NODE_OPTIONS: `--import "data:text/javascript,${version}"`,
    });
    await expectMistake(run, 1, /^tally: this is Node 20\.18\.1, and Tally needs 20\.19 or newer\n$/);
    expect(packageJson.engines.node).toBe('>=20.19');
  });

  test('can read the file that says so', () => {
    const written = readFileSync(CLI, 'utf8');
    const { outputText } = transpileModule(written, {
      compilerOptions: { target: ScriptTarget.ES2018, module: ModuleKind.ES2020 },
    });
    // Nothing had to be put in older words, and nothing is imported first.
    const withoutBlanks = (text: string) => text.replace(/\s|\/\/# source.*/g, '');
    expect(withoutBlanks(outputText)).toBe(withoutBlanks(written));
    expect(written).not.toMatch(/^(?:import|await) /m);
  });
});

describe('a server that runs', () => {
  test('says in JSON lines first that it listens, where, and last that it stopped', async () => {
    const server = await startServer(['--workers', '2', '--ring', '64', '--users', '100']);
    const { event, port, pid, version, workers, ring, users } = server.events[0]!;
    expect({ event, pid, version, workers, ring, users }).toEqual({
      event: 'listening',
      pid: server.pid,
      version: packageJson.version,
      workers: 2,
      ring: 64,
      users: 100,
    });
    expect(port).toBeGreaterThan(0);
    expect(await exchange(server.port, '{"type":"health"}\n')).toBe('{"status":"ok"}\n');
    const { exitCode, ledger } = await server.stop();
    expect(exitCode).toBe(0);
    expect(ledger).toMatchObject({ exitCode: 0, received: 0, processed: 0, dropped: 0, lost: 0 });
    expect(server.events.map(each => each.event)).toEqual(['listening', 'draining', 'stopped']);
    for (const { level, time } of server.events) {
      expect(level).toBe('info');
      expect(Date.parse(time as string)).toBeGreaterThan(Date.now() - 600_000);
    }
    expect(server.stderr()).toBe('');
  });

  test('takes its settings from variables', async () => {
    const server = await startServer([], { TALLY_RING: '128', TALLY_WORKERS: '1', TALLY_PRT: '7999' });
    expect(server.events[0]).toMatchObject({ ring: 128, workers: 1 });
    await server.stop();
    // A slip of the pen is told, behind the line that others wait for.
    const warned = { event: 'unknown_variable', level: 'warn', variable: 'TALLY_PRT', nearest: 'TALLY_PORT' };
    expect(server.events[1]).toMatchObject(warned);
  });

  test('says in its log what Node would say on standard error: a warning, and the defect that ends it', async () => {
    const defect = `process.once('SIGUSR2', () => {
      process.emitWarning('take care');
      setTimeout(() => { throw new Error('a defect'); }, 10);
    })`.replace(/\s+/g, ' ');
    const server = await startServer([], { NODE_OPTIONS: `--import "data:text/javascript,${defect}"` });
    server.process.kill('SIGUSR2');
    expect(await server.exited).toMatchObject({ exitCode: 1, signal: null });
    expect(server.events.slice(1)).toMatchObject([
      { event: 'node_warning', level: 'warn', reason: expect.stringMatching(/^Warning: take care\n/) },
      { event: 'crashed', level: 'error', reason: expect.stringMatching(/^Error: a defect\n/) },
    ]);
    expect(server.stderr()).toBe('');
  });

  test('goes on when nobody reads its output any more', async () => {
    const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--log-level', 'debug'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = once(child, 'exit');
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { port } = JSON.parse(line) as { port: number };
    child.stdout.destroy();
    const event = '{"user":"alice","action":"buy","amount":1,"wait":true}\n';
    expect(await exchange(port, event)).toBe('{"status":"ok","balance":1}\n');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  test('goes on after `head -1` has read its first line', async () => {
    const pipe = `"${process.execPath}" "${CLI}" serve --port 0 --log-level debug | head -1`;
    const shell = spawn('sh', ['-c', pipe], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(shell, 'exit');
    const [line] = (await once(createInterface({ input: shell.stdout }), 'line')) as [string];
    const { port, pid } = JSON.parse(line) as { port: number; pid: number };
    try {
      expect(await exchange(port, '{"type":"health"}\n')).toBe('{"status":"ok"}\n');
    } finally {
      process.kill(pid, 'SIGTERM');
    }
    expect(await exited).toEqual([0, null]);
  });

  test.each([
    ['', false],
    ['1', true],
  ])(
    'prints text when it is asked to; with FORCE_COLOR=%s in colours: %s',
    async (FORCE_COLOR, isColoured) => {
      const child = spawn(process.execPath, [CLI, 'serve', '--port', '0', '--log-format', 'text'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, FORCE_COLOR },
      });
      const exited = once(child, 'close');
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (some: string) => {
        text += some;
        if (text.includes('Ctrl+C') && !child.killed) child.kill('SIGINT');
      });
      expect(await exited).toEqual([0, null]);
      const plain = stripVTControlCharacters(text);
      expect(plain !== text).toBe(isColoured);
      expect(plain).toMatch(/^Tally \S+ listens on 127\.0\.0\.1:\d+, \d+ workers?, pid \d+\n/);
      expect(plain).toMatch(/stopped in \d+ ms, exit code 0: .*nothing lost\n$/);
    },
  );
});
