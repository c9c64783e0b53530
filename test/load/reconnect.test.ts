/** Servers that drop connections: what becomes of the load, and of the lines that were under way. */
import { describe, expect, test } from 'vitest';
import { pauseMs } from '../../src/tools/load/opening.ts';
import { countUnsent } from '../../src/tools/load/unsent.ts';
import { load } from './running.ts';
import { startWrongServer } from './wrong-servers.ts';

/** Every 400th event (or another) is applied, and its connection dropped in place of a reply. */
const dropping = (drops = (event: number) => event % 400 === 0) =>
  startWrongServer({
    says: (reply, { kind, number }, socket) => {
      if (kind === 'event' && drops(number)) socket.destroy();
      return reply;
    },
  });

describe.concurrent('a server that drops connections', () => {
  test('gets no more load on them, and the run says so', async () => {
    const { port } = await dropping();
    const { exitCode, result, complaints } = await load(
      port,
      '--connections 2 --events 4000 --check-balances',
    );
    expect(exitCode).toBe(1);
    expect(result.connections).toEqual({ opened: 2, lost: 2, reopened: 0 });
    expect(result.sent).toBeLessThan(4_000);
    expect(result.money).toMatchObject({ balanced: true });
    expect(complaints[0]).toMatch(/^the server (?:closed|reset) 2 of 2 connections$/);
  });

  test('gets it on new ones with --reconnect, and each is counted; the money is right', async () => {
    const { port } = await dropping();
    const flags = '--connections 4 --pipeline 3 --events 4000 --reconnect --check-balances';
    const { exitCode, result, complaints, stderr } = await load(port, flags);
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
    const { connections, sent, answered, unknown, money } = result;
    expect(sent).toBe(4_000);
    expect(answered + unknown).toBe(sent);
    expect(connections.lost).toBeGreaterThanOrEqual(9);
    expect(connections.reopened).toBeGreaterThanOrEqual(connections.lost - 4);
    // One line at least was under way on each that was lost.
    expect(unknown).toBeGreaterThanOrEqual(connections.lost);
    expect(money).toMatchObject({ balanced: true, acceptedEvents: answered, unknownEvents: unknown });
    expect(stderr).toMatch(/^ {2}lost +connections \d+ times, opened again \d+ times$/m);
  });

  test('keeps its times in an open loop: lines are late, and none is left out', async () => {
    const { port } = await dropping(event => event === 10);
    const flags = '--connections 4 --rate 100 --duration 3s --pace thrifty --reconnect';
    const { exitCode, result } = await load(port, flags);
    expect(exitCode).toBe(0);
    expect(result.sent + result.unsent).toBe(300);
    expect(result.connections).toMatchObject({ lost: 1, reopened: 1 });
  });

  test('and is gone for good: the run ends, and fails', async () => {
    const { port } = await startWrongServer({ hears: socket => socket.destroy() });
    const flags = '--connections 2 --events 100 --grace 500ms --reconnect';
    const { exitCode, result, complaints } = await load(port, flags);
    expect(exitCode).toBe(1);
    expect(result.answered).toBe(0);
    expect(complaints.at(-1)).toMatch(/never answered|no connection could be opened again/);
  });
});

describe.concurrent('a connection that is refused', () => {
  test('is lost, and no wrong reply', async () => {
    const refusal = '{"status":"rejected","reason":"too_many_connections"}\n';
    const { port } = await startWrongServer({ hears: socket => socket.end(refusal) });
    const { exitCode, result, complaints } = await load(port, '--connections 2 --rate 1 --duration 200ms');
    expect(exitCode).toBe(1);
    expect(result.connections.lost).toBe(2);
    expect(complaints[0]).toMatch(/^the server (?:refused|closed) 2 of 2 connections$/);
  });
});

test('pauses double up to two seconds, and are never alike', () => {
  expect([0, 1, 2, 5, 6, 60].map(failures => pauseMs(failures, () => 1))).toEqual([
    50, 100, 200, 1_600, 2_000, 2_000,
  ]);
  expect(pauseMs(0, () => 0)).toBe(25);
});

test('lines that were due and never left are counted, from one time to another', () => {
  const sender = { dueMs: (line: number) => 10 * line, sent: 3, lines: 10 };
  expect(countUnsent([sender], 0, Number.POSITIVE_INFINITY)).toBe(7);
  expect(countUnsent([sender, { ...sender, sent: 10 }], 55, 70)).toBe(2);
});
