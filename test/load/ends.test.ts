/** How a run ends before its time: by Ctrl+C, by a condition, by a server that dies. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import type { MaxFound } from '../../src/tools/load/find-max.ts';
import { askMetrics } from '../support/asking.ts';
import { startServer } from '../support/server.ts';
import { load, START_MS_MAX, startLoad, startTally, tally } from './running.ts';
import { startWrongServer } from './wrong-servers.ts';

// Some twenty probes each: first, so that everything else happens while they wait.
describe.concurrent('--find-max', { timeout: 120_000 }, () => {
  const search = (port: number, condition: string) =>
    tally(['load', '--port', `${port}`, '--find-max', condition, ...FLAGS]);
  const FLAGS = '--connections 4 --warmup 20ms --duration 100ms --pace thrifty --json -'.split(' ');

  test('of a condition that holds up to a rate: that rate, and exit code 0', async () => {
    const { port } = await startWrongServer();
    // 2,000 lines a second are 200 within a tenth of one. On busy cores less may leave in time; the search itself is
    // tested in find-max.test.ts.
    const ran = await search(port, 'sent<198');
    expect(ran).toMatchObject({ exitCode: 0, complaints: [] });
    const { ratePerS, probes, condition } = JSON.parse(ran.stdout) as MaxFound;
    const held = probes.filter(({ holds }) => holds).map(probe => probe.ratePerS);
    expect(condition).toBe('sent<198');
    expect(held).toContain(ratePerS);
    expect(Math.max(...held)).toBeLessThan(2_000);
    expect(
      ran.stderr.match(/^ +[\d,]+\/s {2}(?:holds|fails) +[\d.,]+ {2}\(reached [\d,]+\/s\)$/gm),
    ).toHaveLength(probes.length);
    const most = ratePerS.toLocaleString('en');
    expect(ran.stderr).toMatch(new RegExp(`^highest rate that holds sent<198: ${most} a second$`, 'm'));
  });

  test('of a condition that no rate holds: exit code 4', async () => {
    const { port } = await startWrongServer();
    const ran = await search(port, 'sent<0');
    expect(ran).toMatchObject({ exitCode: 4, complaints: [] });
    expect(ran.stderr).toMatch(/^no rate holds sent<0$/m);
  });

  test('of a server that fails: what happened, and exit code 1', async () => {
    const { port } = await startWrongServer({ says: (reply, { number }) => (number < 300 ? reply : 'no\n') });
    const ran = await tally(['load', '--port', `${port}`, '--find-max', 'p99<1h', '--duration', '200ms']);
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints).toEqual([expect.stringMatching(/^the server sent no in reply to/)]);
  });

  test('stopped by Ctrl+C: what it knows, and exit code 130', async () => {
    const { port, counts } = await startWrongServer();
    const running = startTally(['load', '--port', `${port}`, '--find-max', 'p99<1h']);
    await until(() => counts.event > 100, 'the search to be under way', START_MS_MAX);
    running.process.kill('SIGINT');
    expect((await running.ended).exitCode).toBe(130);
  });
});

/** A load that is under way, against a real server of its own. */
async function underWay(flags: string) {
  const server = await startServer(['--workers', '1']);
  const control = await Client.open(server.port);
  const received = async () => (await askMetrics(control)).received;
  const running = startLoad(server.port, flags);
  await until(async () => (await received()) > 500, 'the load to be under way', START_MS_MAX);
  return { server, running, received };
}

describe.concurrent('Ctrl+C', () => {
  test.each([
    ['a closed loop', '--connections 4 --duration 10m'],
    ['a closed loop of lines', '--connections 4 --events 1000M --threads 2'],
    ['an open loop', '--rate 2000 --duration 10m --pace thrifty'],
    ['an open loop of three hours', '--rate 20k --duration 3h'],
    ['a warm-up', '--connections 4 --warmup 10m'],
  ])('ends %s, with its table and the check of the money; exit code 130', async (_, flags) => {
    const { server, running, received } = await underWay(`${flags} --check-balances`);
    running.process.kill('SIGINT');
    const ran = await running.ended;
    expect(ran).toMatchObject({ exitCode: 130, complaints: [] });
    expect(ran.stderr).toContain('ended early by Ctrl+C');
    const { interrupted, sent, answered, unsent, money } = ran.result;
    expect({ interrupted, unknown: sent - answered }).toEqual({ interrupted: true, unknown: 0 });
    // Lines of the time that did not come are not missing.
    expect(unsent).toBeLessThan(20_000);
    expect(money).toMatchObject({ balanced: true, acceptedEvents: await received() });
    await server.stop();
  });

  test('before the first line: nothing is sent, and there is no result', async () => {
    let interrupt = () => {};
    const { port, counts } = await startWrongServer({
      says: (reply, { kind }) => {
        if (kind === 'balance') interrupt();
        return reply;
      },
      everyMs: 2,
    });
    const flags = `load --port ${port} --duration 10m --check-balances --users 100 --json -`;
    const running = startTally(flags.split(' '));
    interrupt = () => {
      interrupt = () => {};
      running.process.kill('SIGINT');
    };
    const complaints = ['ended before the load began'];
    expect(await running.ended).toMatchObject({ exitCode: 130, complaints, stdout: '' });
    expect(counts.event).toBe(0);
  });

  test('twice: at once', async () => {
    const { port, counts } = await startWrongServer({ says: () => '' });
    const running = startTally(['load', '--port', `${port}`, '--duration', '10m', '--grace', '10m']);
    await until(() => counts.event > 0, 'the load to be under way', START_MS_MAX);
    const exited = once(running.process, 'exit');
    const twice = setInterval(() => running.process.kill('SIGINT'), 50);
    try {
      expect(await exited).toEqual([null, 'SIGINT']);
    } finally {
      clearInterval(twice);
    }
  });
});

describe.concurrent('a server that is killed', () => {
  test.each([
    ['a closed loop', '--connections 20 --duration 10m'],
    ['a closed loop of lines, with threads', '--connections 20 --events 1000M --threads 2'],
    ['an open loop', '--connections 20 --rate 2000 --duration 10m --pace thrifty'],
    ['an open loop of a day', '--connections 20 --rate 1M --duration 24h'],
  ])('ends %s soon; exit code 1, and what happened', async (_, flags) => {
    const { server, running } = await underWay(flags);
    await server.stop('SIGKILL');
    const ran = await running.ended;
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints[0]).toMatch(/^the server (?:closed|reset) (?:a connection|\d+ of 20 connections)$/);
    expect(ran.result.connections).toEqual({ opened: 20, lost: 20, reopened: 0 });
    expect(ran.result.sent).toBe(ran.result.answered + ran.result.unknown);
    expect(ran.stderr).toContain('replies a second');
  });

  test('whose money was to be checked: it cannot be, and that is no wrong money', async () => {
    const { server, running } = await underWay('--duration 10m --check-balances');
    await server.stop('SIGKILL');
    const ran = await running.ended;
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints.at(-1)).toMatch(/^the balances could not be read: /);
    expect(ran.result.money).toBeUndefined();
  });

  test('by Ctrl+C of its own, under load: what it accepted it applied', async () => {
    const { server, running } = await underWay('--connections 8 --pipeline 16 --duration 10m');
    const { ledger, exitCode } = await server.stop('SIGINT');
    const ran = await running.ended;
    expect({ exitCode, lost: ledger!.lost }).toEqual({ exitCode: 0, lost: 0 });
    expect(ran).toMatchObject({ exitCode: 1, result: { accepted: ledger!.processed } });
  });
});

describe.concurrent('a server that fails before the measurement', () => {
  test('answers nothing of the warm-up: a problem, and exit code 1', async () => {
    const { port } = await startWrongServer({ says: () => '' });
    const ran = await load(port, '--warmup 200ms --duration 200ms --connections 4 --grace 200ms');
    expect(ran).toMatchObject({ exitCode: 1, result: { sent: 0, unknown: 0, unknownWarmup: 4 } });
    expect(ran.complaints).toEqual(['4 lines of the warm-up were not answered']);
  });

  test('speaks first: said, and exit code 1', async () => {
    const { port } = await startWrongServer({ hears: socket => void socket.write('220 hello\n') });
    const ran = await load(port, '--duration 300ms --connections 2');
    expect(ran.exitCode).toBe(1);
    expect(ran.complaints[0]).toBe('the server sent a reply that nobody asked for: 220 hello');
  });
});

describe.concurrent('--fail-if', () => {
  const flags = '--events 2000 --connections 4';

  test('that holds: exit code 4, and which', async () => {
    const { port } = await startWrongServer();
    const conditions = '--fail-if p99>10m --fail-if accepted.p50>0ms --fail-if accepted<1%';
    const ran = await load(port, `${flags} ${conditions}`);
    expect(ran).toMatchObject({ exitCode: 4, complaints: [] });
    expect(ran.result.conditions).toEqual([
      { condition: 'p99>10m', met: false, value: expect.any(Number) },
      { condition: 'accepted.p50>0ms', met: true, value: expect.any(Number) },
      { condition: 'accepted<1%', met: false, value: 100 },
    ]);
    expect(ran.stderr).toMatch(/fail-if +p99>10m: no, it is /);
    expect(ran.stderr).toMatch(/fail-if +accepted\.p50>0ms: yes, it is /);
  });

  test('that does not: exit code 0', async () => {
    const { port } = await startWrongServer();
    const ran = await load(port, `${flags} --fail-if errors>0 --fail-if ok.p99>1ms`);
    expect(ran).toMatchObject({ exitCode: 0, complaints: [] });
    expect(ran.result.conditions).toMatchObject([
      { met: false, value: 0 },
      { met: false, value: null },
    ]);
    expect(ran.stderr).toContain('ok.p99>1ms: no, no such replies');
  });

  test('does not hide wrong money or a failure', async () => {
    const wrong = await startWrongServer({ applies: event => (event === 9 ? 0 : 1) });
    const money = await load(wrong.port, `${flags} --users 50 --check-balances --fail-if lost>0`);
    expect(money).toMatchObject({ exitCode: 3, result: { conditions: [{ met: true, value: 1 }] } });
    const silent = await startWrongServer({ says: (reply, { number }) => (number === 9 ? '' : reply) });
    const ran = await load(silent.port, `${flags} --grace 300ms --fail-if unknown>0`);
    expect(ran.exitCode).toBe(1);
  });
});
