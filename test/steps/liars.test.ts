/**
 * A server may lie, and the witnesses come to an end: with a verdict, or with why it can't be told. All lies before all
 * witnesses, with times and memory, are in test/long/liars.test.ts.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { freePort, startOnPort } from '../../src/tools/harness/server.ts';
import { ofCommand } from '../../steps/kit/server.ts';
import { whyNot } from '../../steps/kit/witnesses/witness.ts';
import { witnessOf } from '../../steps/kit/witnesses/witnesses.ts';
import { runCli } from '../support/server.ts';
import { type Lie, liar, outcome } from './liars.ts';

/** What a witness says of a server that lies: that it has the pain, that it has not, or why it can't be told. */
async function said(pain: number, lie: Lie): Promise<string> {
  try {
    const { isPresent, sentence } = await witnessOf(pain).run(ofCommand(liar(lie)), () => {});
    return `${isPresent ? 'present' : 'absent'}: ${sentence}`;
  } catch (error) {
    return whyNot(error);
  }
}

describe.concurrent('a witness of pain', () => {
  test.each<[number, Lie, string]>([
    [10, 'ignores-signals', 'it does not end when that client has hung up either'],
    [
      9,
      'ignores-signals',
      'absent: 300 events were accepted before Ctrl+C, and all of them were applied after it, but it does not end.',
    ],
    [6, 'has-no-balances', 'it answers a request for a balance with {"status":"ok"}'],
    [10, 'says-a-line-without-end', 'it sends far more than it was asked for'],
    [3, 'hangs-up-at-once', 'it answers a good event in one packet with nothing'],
    [8, 'says-garbage', String.raw`it answers an event with "\u001b[31m\u0007\u0000???2J\"\\{"`],
  ])('%i, where the server %s', async (pain, lie, expected) => {
    expect(await said(pain, lie)).toBe(expected);
  });
});

test.concurrent('where it can’t be told, machines get why, too', async () => {
  const why = 'it answers a request for a balance with {"status":"ok"}';
  const told = await outcome(['pain', '6', '--json'], 'has-no-balances', 60_000);
  expect(told.exitCode).toBe(3);
  expect(told.stderr).toContain(`tally pain: it can't be told, because ${why}`);
  expect(JSON.parse(told.stdout)).toEqual({
    pain: 6,
    step: liar('has-no-balances'),
    expected: 'absent',
    observed: 'undecided',
    evidence: { error: why },
  });
});

test.concurrent('a port that takes no connection is waited for 5 s, by check and by pain', async () => {
  const port = await freePort();
  const program = `require('net').createServer().listen({ port: ${port}, host: '127.0.0.1', backlog: 1 },
    () => setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 300))`;
  const server = await startOnPort(
    { name: 'full', program: process.execPath, args: ['-e', program] },
    port,
    20_000,
  );
  const sockets: Socket[] = [];
  try {
    // Until the kernel's queue for it is full.
    for (let isFull = false; !isFull; ) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      sockets.push(socket);
      await sleep(300);
      isFull = socket.connecting;
    }
    const why = `no connection to 127.0.0.1:${port}: no answer within 5 s`;
    const at = ['--connect', `:${port}`];
    const [check, pain] = await Promise.all([runCli(['check', '3', ...at]), runCli(['pain', '3', ...at])]);
    expect(check).toMatchObject({ exitCode: 1, stderr: `tally check: ${why}\n` });
    expect(pain).toMatchObject({ exitCode: 3, stderr: `tally pain: it can't be told, because ${why}\n` });
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
});
