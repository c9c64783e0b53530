/**
 * The benches that compare servers: each runs small, as users start it, and the servers they compare with do what
 * the comparison needs of them.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BenchRecord } from '../../bench/bench.ts';
import { NotInstalledError, type PeerProcess, startProcess } from '../../bench/peers/process.ts';
import { CLIENT_CPU, IN_C, IN_JAVASCRIPT } from '../../bench/peers/worse.ts';
import { Client, exchange } from '../../src/tools/harness/client.ts';
import { cpuSecondsOf, parseCpuSeconds } from '../../src/tools/harness/cpu.ts';
import { ACCEPTED, okLine } from '../support/asking.ts';

const execute = promisify(execFile);

const compiled = (path: string) => fileURLToPath(new URL(`../../dist/bench/${path}`, import.meta.url));
const BENCH_MS_MAX = 120_000;
const NO_PROGRAMS = '/nonexistent';

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const startNode = (...args: string[]) =>
  startProcess({
    name: 'the server',
    program: process.execPath,
    args,
    portOf: line => (/^\d+$/.test(line) ? Number(line) : undefined),
  });

async function runSmall(
  name: string,
  path = process.env.PATH,
): Promise<{ units: Map<string, string[]>; said: string }> {
  const { stdout, stderr } = await execute(
    process.execPath,
    [compiled('cli.js'), '--small', '--json', '-', name],
    { timeout: BENCH_MS_MAX, env: { ...process.env, PATH: path } },
  );
  const { measures } = (JSON.parse(stdout) as BenchRecord[])[0]!;
  const units = new Map<string, string[]>();
  for (const { subject, condition, unit, samples } of measures) {
    // Processor time is counted in hundredths of a second: a small run may see none.
    const isRight = (sample: number) => Number.isFinite(sample) && (sample > 0 || unit.includes('CPU'));
    expect(samples.every(isRight)).toBe(true);
    units.set(unit, [...(units.get(unit) ?? []), `${subject}: ${condition}`]);
  }
  return { units, said: stderr };
}

// Their figures mean nothing, so they may disturb one another.
describe.concurrent('a small run of', { timeout: BENCH_MS_MAX }, () => {
  test('peers compares all the servers and both clients that are installed', async () => {
    const { units, said } = await runSmall('peers');
    const redis = said.includes('redis-server is not installed') ? [] : ['redis INCRBY'];
    const servers = ['tally', ...redis, 'plain Node', 'node:net, fixed reply'];
    const clients = said.includes('cc is not installed') ? [IN_JAVASCRIPT] : [IN_JAVASCRIPT, IN_C];
    const all = clients.flatMap(client => servers.map(server => `${server}: depth 16, ${client}`));
    expect(units.get('events/s')).toEqual(all);
    expect(units.get(CLIENT_CPU)).toEqual(all);
    if (process.platform === 'linux') expect(units.get('µs CPU/event')).toEqual(all);
  });

  test('peers goes on without Redis and without a compiler, and says so', async () => {
    const { units, said } = await runSmall('peers', NO_PROGRAMS);
    expect(said).toContain('redis-server is not installed, so there are no figures for redis INCRBY');
    expect(said).toContain('cc is not installed, so there are no figures of the client in C');
    expect(units.get('events/s')).toEqual(
      ['tally', 'plain Node', 'node:net, fixed reply'].map(server => `${server}: depth 16, ${IN_JAVASCRIPT}`),
    );
  });

  test('server measures every kind of line', async () => {
    const { units } = await runSmall('server');
    expect(units.get('lines/s')).toEqual([
      'usual events: depth 16',
      'events with wait: depth 16',
      'balance requests: depth 16',
      'balance requests, 9 of 10: depth 16',
    ]);
  });

  test('client compares the generator with a client in C, if there is a compiler', async () => {
    const { units, said } = await runSmall('client');
    if (said.includes('cc is not installed')) return expect(units.size).toBe(0);
    expect(units.get('events/s')).toEqual(['client in C: depth 16', 'load generator, 1 thread: depth 16']);
  });

  test('floods measures what a client beside them waits, if there is a compiler', async () => {
    const { units, said } = await runSmall('floods');
    if (said.includes('cc is not installed')) return expect(units.size).toBe(0);
    expect(units.get('ms p99, health')).toEqual(['50 clients: 3,999 bytes']);
  });

  test('client has no figures without a compiler, and says so', async () => {
    const { units, said } = await runSmall('client', NO_PROGRAMS);
    expect(said).toContain('cc is not installed, so there are no figures of the client in C');
    expect(units.size).toBe(0);
  });
});

describe('the plain server', () => {
  let server: PeerProcess;
  beforeAll(async () => {
    server = await startNode(compiled('peers/plain.js'));
  });
  afterAll(() => server.stop());

  const error = (reason: string) => `{"status":"error","reason":"${reason}"}`;
  // Each request on the state that the ones before it leave.
  const EXAMPLES: [request: string, reply: string][] = [
    ['{"user":"alice","action":"buy","amount":100}', ACCEPTED],
    ['{"type":"balance","user":"alice"}', okLine(100)],
    ['{"user":"alice","action":"sell","amount":130,"wait":true}', okLine(-30)],
    ['{"type":"balance","user":"nobody"}', okLine(0)],
    ['{"type":"metrics"}', '{"received":2,"processed":2,"dropped":0}'],
    ['{"type":"health"}\r', '{"status":"ok"}'],
    ['{ "amount": 1e2, "user": "\\u0061lice", "action": "buy", "more": [] }', ACCEPTED],
    ['{"user":"rich","action":"buy","amount":9007199254740991,"wait":true}', okLine(9007199254740991)],
    [
      '{"user":"rich","action":"buy","amount":1,"wait":true}',
      '{"status":"rejected","reason":"balance_overflow"}',
    ],
    ['{"type":"metrics"}', '{"received":5,"processed":4,"dropped":1}'],
    ['', error('invalid_json')],
    ['hello', error('invalid_json')],
    ['[1]', error('invalid_event')],
    ['{}', error('invalid_event')],
    ['{"user":"bob","action":"give","amount":1}', error('invalid_event')],
    ['{"user":"bob","action":"buy","amount":0}', error('invalid_event')],
    ['{"user":"bob","action":"buy","amount":"1"}', error('invalid_event')],
    ['{"user":"bob","action":"buy","amount":1,"wait":1}', error('invalid_event')],
    ['{"user":"","action":"buy","amount":1}', error('invalid_event')],
    [`{"user":"${'é'.repeat(65)}","action":"buy","amount":1}`, error('invalid_event')],
    [`{"user":"${'é'.repeat(64)}","action":"buy","amount":1,"wait":true}`, okLine(1)],
    ['{"type":"dance"}', error('unknown_type')],
    ['{"type":7}', error('invalid_event')],
  ];

  test('answers as the contract says, also the last line without its end', async () => {
    const replies = await exchange(server.port, EXAMPLES.map(([request]) => request).join('\n'));
    expect(replies.split('\n')).toEqual([...EXAMPLES.map(([, reply]) => reply), '']);
  });
});

test('the floor answers every line end, however the bytes are cut', async () => {
  const server = await startNode(compiled('peers/floor.js'));
  try {
    const client = await Client.open(server.port);
    const text = '{"user":"alice","action":"buy","amount":100}\n\n{"user"\nx\n'.repeat(20);
    for (let bytes = 1, at = 0; at < text.length; at += bytes, bytes = (bytes % 97) + 7) {
      client.send(text.slice(at, at + bytes));
      await new Promise(setImmediate);
    }
    // More than a page of replies at once.
    client.send('\n'.repeat(30_000));
    expect(await client.finish()).toBe(`${ACCEPTED}\n`.repeat(80 + 30_000));
  } finally {
    await server.stop();
  }
});

describe('a server process', () => {
  test('is gone when it was stopped', async () => {
    const server = await startNode(compiled('peers/plain.js'));
    expect(isRunning(server.pid)).toBe(true);
    expect(await server.stop()).toBe('SIGTERM');
    expect(isRunning(server.pid)).toBe(false);
  });

  test('is gone when the bench exits without stopping it', async () => {
    const script = `
      import { PLAIN } from ${JSON.stringify(compiled('peers/subjects.js'))};
      const { port } = await PLAIN.start();
      process.stdout.write(String(port), () => process.exit(1));`;
    const ended = execute(process.execPath, ['--input-type=module', '-e', script], { timeout: BENCH_MS_MAX });
    const { stdout } = (await ended.catch(error => error)) as { stdout: string };
    expect(stdout).toMatch(/^\d+$/);
    // Not by its process id: nobody may have collected it yet.
    const refused = () => Client.open(Number(stdout)).catch((error: NodeJS.ErrnoException) => error.code);
    await expect.poll(refused).toBe('ECONNREFUSED');
  });

  test('that ends before it listens fails with what it said, and its traces are removed', async () => {
    let cleanUps = 0;
    const started = startProcess({
      name: 'the server',
      program: process.execPath,
      args: ['-e', 'console.error("no room"); process.exitCode = 7'],
      portOf: () => undefined,
      cleanUp: () => {
        cleanUps += 1;
      },
    });
    await expect(started).rejects.toThrow('the server ended with 7 before it listened: no room');
    expect(cleanUps).toBe(1);
  });

  test('of a program that is not there is a mistake of its own kind', async () => {
    const started = startProcess({
      name: 'Such',
      program: 'no-such-program',
      args: [],
      portOf: () => undefined,
    });
    await expect(started).rejects.toThrow(NotInstalledError);
    await expect(started).rejects.toThrow('no-such-program is not installed');
  });
});

describe('processor time', () => {
  test('is read behind a name of any characters', () => {
    const behindName = `S 1 ${'0 '.repeat(9)}250 31 0 0 20 0 7 0`;
    expect(parseCpuSeconds(`42 (node) ${behindName}`)).toBe(2.81);
    expect(parseCpuSeconds(`42 (a ) b (c) 9 9) ${behindName}`)).toBe(2.81);
    expect(() => parseCpuSeconds('42 (node) S 1')).toThrow('no processor time');
  });

  test.skipIf(process.platform !== 'linux')('is that of the process, about', async () => {
    const server = await startNode(
      '-e',
      // By its own account, however long that takes where the cores are busy.
      'while (process.cpuUsage().user < 300_000); console.log(1)',
    );
    const used = server.cpuSeconds();
    await server.stop();
    expect(used).toBeGreaterThan(0.25);
    expect(used).toBeLessThan(5);
    expect(cpuSecondsOf(server.pid)).toBeUndefined();
  });
});
