/** `--kill-every`: a server that the run starts itself, kills with SIGKILL in the midst, and starts again. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { freePort } from '../../src/tools/harness/server.ts';
import { commonOutages } from '../../src/tools/load/outages.ts';
import { CLI } from '../support/server.ts';
import { type RanWithResult, startTally, tally } from './running.ts';

const place = mkdtempSync(join(tmpdir(), 'tally-kills-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const SERVE = `'${process.execPath}' '${CLI}' serve --workers 1 --users 1000 --port {port}`;
const FLAGS = '--users 500 --connections 8 --pipeline 4 --mix buy=3,sell=1,wait=1 --check-balances';

async function loadOf(command: string, flags: string): Promise<RanWithResult> {
  const port = String(await freePort());
  const args = ['load', '--port', port, '--cmd', command, '--json', '-', ...flags.split(' ')];
  const ran = await startTally(args).ended;
  return { ...ran, result: ran.stdout === '' ? undefined : JSON.parse(ran.stdout) };
}

describe.concurrent('a server that is killed under load', () => {
  test('has all that it acknowledged, with a journal; how long it was away is said', async () => {
    const command = `${SERVE} --data '${join(place, 'data')}'`;
    const { exitCode, complaints, result, stderr } = await loadOf(
      command,
      `--rate 2000 --duration 3s --kill-every 1s ${FLAGS}`,
    );
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
    expect(result.money).toMatchObject({ balanced: true, lostEvents: 0, surplusEvents: 0 });
    expect(result.money!.acceptedEvents).toBeGreaterThan(100);
    expect(result.plan).toMatchObject({ reconnect: true, server: { command, killEveryMs: 1_000 } });
    expect(result.kills.length).toBeGreaterThan(0);
    for (const { downMs } of result.kills) expect(downMs).toBeGreaterThan(0);
    expect(result.outages.length).toBeGreaterThan(0);
    // On a busy machine the load may be over before a reply comes again.
    for (const { ms } of result.outages) if (ms !== null) expect(ms).toBeGreaterThan(0);
    expect(result.connections.lost).toBeGreaterThanOrEqual(8);
    expect(stderr).toMatch(/^ {2}killed +(?:once|\d times) with kill -9; it listened again after [\d,.]/m);
    expect(stderr).toMatch(/^ {2}outages +(?:once|\d times) no connection was open; a reply came /m);
  });

  test('is found to have lost it without one', async () => {
    const { exitCode, complaints, result } = await loadOf(
      SERVE,
      `--rate 2000 --duration 2s --kill-every 1s ${FLAGS}`,
    );
    expect(exitCode).toBe(3);
    expect(result.money).toMatchObject({ balanced: false });
    expect(result.money!.lostEvents).toBeGreaterThan(0);
    expect(complaints.join('\n')).toMatch(
      /^the money is wrong: lost [\d,]+ events, [\d,]+ of [\d,]+.*\. The server was killed: does it keep what it has accepted\? \(tally serve --data DIR does\)$/,
    );
  });

  test('and does not come back: the run ends, and says why', async () => {
    // The second start finds what the first has left, and ends.
    const script = join(place, 'once.mjs');
    const left = join(place, 'left');
    writeFileSync(
      script,
      `import { existsSync, writeFileSync } from 'node:fs';
       if (existsSync('${left}')) { console.error('I was here'); process.exit(7); }
       writeFileSync('${left}', '');
       await import('${CLI}');`,
    );
    const command = `'${process.execPath}' '${script}' serve --workers 1 --port {port}`;
    const { exitCode, complaints, result, stderr } = await loadOf(
      command,
      `--rate 500 --duration 60s --kill-every 300ms ${FLAGS}`,
    );
    expect(exitCode).toBe(1);
    expect(complaints[0]).toMatch(
      /^the server did not come back after it was killed: .* ended before it listened/,
    );
    expect(stderr).toContain('I was here');
    expect(complaints.at(-1)).toBe('the money could not be checked: there is no server');
    expect(result.kills).toMatchObject([{ downMs: null }]);
    expect(result.money).toBeUndefined();
  });
});

describe.concurrent('a server that the run starts', () => {
  test('serves it, and ends with it', async () => {
    const { exitCode, result } = await loadOf(SERVE, `--events 500 ${FLAGS}`);
    expect({ exitCode, kills: result.kills }).toEqual({ exitCode: 0, kills: [] });
  });

  test('and that was not killed, though it was to be: such a run has shown nothing', async () => {
    const { exitCode, complaints, result } = await loadOf(SERVE, `--events 100 --kill-every 60s ${FLAGS}`);
    expect(exitCode).toBe(1);
    expect(complaints).toEqual(['the load was over before the server was killed (--kill-every 1 m)']);
    expect(result.money).toMatchObject({ balanced: true });
  });

  test('that does not start', async () => {
    const { exitCode, complaints } = await loadOf('exit 5', `--rate 100 --duration 60s ${FLAGS}`);
    expect(exitCode).toBe(1);
    expect(complaints[0]).toMatch(/^exit 5 ended before it listened on port \d+$/);
  });

  test('that ends by itself', async () => {
    const script = join(place, 'ends.mjs');
    writeFileSync(
      script,
      `import { createServer } from 'node:net';
       import { createInterface } from 'node:readline';
       let events = 0;
       createServer(socket =>
         createInterface({ input: socket.on('error', () => {}) }).on('line', line => {
           const isEvent = line.includes('"action"');
           if (isEvent && ++events > 20) process.exit(9);
           socket.write(isEvent ? '{"status":"accepted"}\\n' : '{"status":"ok","balance":0}\\n');
         }),
       ).listen(process.env.PORT);`,
    );
    const command = `'${process.execPath}' '${script}'`;
    const flags = '--rate 100 --duration 60s --reconnect --check-balances';
    const { exitCode, complaints, result } = await loadOf(command, flags);
    expect(exitCode).toBe(1);
    expect(complaints).toEqual([
      'the server ended by itself, with 9',
      'the money could not be checked: there is no server',
    ]);
    expect(result.accepted).toBe(20);
  });

  test('on a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { exitCode, complaints } = await tally(['load', '--port', `${port}`, '--cmd', SERVE]);
    other.close();
    expect(exitCode).toBe(1);
    expect(complaints).toEqual([
      `something listens on 127.0.0.1:${port} already; --cmd starts the server itself (--port takes another port)`,
    ]);
  });
});

test('a server is gone when it is for all threads', () => {
  const outage = (fromMs: number, untilMs: number) => ({ fromMs, untilMs });
  const one = [outage(0, 10), outage(20, 30)];
  const other = [outage(5, 22), outage(29, 40)];
  expect(commonOutages([])).toEqual([]);
  expect(commonOutages([one])).toEqual(one);
  expect(commonOutages([one, other])).toEqual([outage(5, 10), outage(20, 22), outage(29, 30)]);
  expect(commonOutages([one, [outage(25, Number.POSITIVE_INFINITY)]])).toEqual([outage(25, 30)]);
  expect(commonOutages([one, other, []])).toEqual([]);
});
