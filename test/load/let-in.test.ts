/** `tally load` and `tally watch` against a server that lets in only whom it knows, over TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { dial } from '../../src/tools/harness/dialling.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { Watcher } from '../../src/tools/watch/watcher.ts';
import { Administered, adminLine, connectionsOf } from '../support/administered.ts';
import { Authority } from '../support/certificates.ts';
import { startServer } from '../support/server.ts';
import { load, tally } from './running.ts';

const folder = mkdtempSync(join(tmpdir(), 'tally-let-in-'));
const authority = new Authority();
const { cert, key } = authority.issue('localhost');
let its: Administered;
beforeAll(async () => {
  its = await Administered.start(['--tls-cert', cert, '--tls-key', key, '--socket', file('socket')]);
  for (const [name, token] of Object.entries(its.tokens)) writeFileSync(file(name), token, { mode: 0o600 });
});
afterAll(async () => {
  await its.stop();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string) => join(folder, name);
const tls = ['--tls-ca', authority.ca];
const flags = (name: string) => `--host localhost --tls-ca ${authority.ca} --token-file ${file(name)}`;
const NOT_TAKEN = 'the server does not take the token: it is wrong, has expired or was revoked';

describe('load', () => {
  test('is measured, and exact, from two threads and with lines on their way at once', async () => {
    const how = '--connections 8 --threads 2 --pipeline 16 --events 6000 --users 50 --check-balances';
    const mix = '--mix buy=60,wait=10,transfer=20,balance=10';
    const { exitCode, result, stdout } = await load(its.server.port, `${flags('all')} ${how} ${mix}`);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ sent: 6_000, answered: 6_000, errors: 0, unknown: 0 });
    expect(result.accepted + result.ok).toBe(6_000);
    expect(result.money).toMatchObject({ balanced: true });
    expect(result.latencyMs.uncorrected.count).toBe(6_000);
    expect(result.plan.tls).toBe(true);
    // What may be kept, and shown to others.
    expect(stdout).not.toContain(its.tokens.all);
    expect(stdout).not.toContain('BEGIN');
  });

  test('opens lost connections again, hands shaken and token taken, and sends again what had no reply', async () => {
    const how = '--connections 4 --rate 400 --pace thrifty --duration 1s --users 20 --ids --check-balances';
    const running = load(its.server.port, `${flags('all')} ${how}`);
    const ops = await Client.reach({ path: file('socket') }, { token: its.tokens.ops });
    const ofLoad = async () => (await connectionsOf(ops)).filter(({ name }) => name === 'token all');
    await until(async () => (await ofLoad()).length === 4, 'the load to begin', 30_000);
    for (let closed = 0; closed < 6; closed++) {
      const [oldest, ...others] = await ofLoad();
      // Who reads the balances, before and after the load, is alone or the youngest.
      if (others.length > 1) await ops.ask(adminLine({ do: 'close', client: oldest!.client }));
      await new Promise(resolve => setTimeout(resolve, 80));
    }
    ops.close();
    const { exitCode, result, complaints } = await running;
    expect({ exitCode, complaints }).toEqual({ exitCode: 0, complaints: [] });
    expect(result.connections.reopened).toBeGreaterThan(1);
    expect(result).toMatchObject({ unknown: 0, money: { balanced: true } });
  });

  test.each<[string, () => string[], RegExp]>([
    ['without a token', () => tls, /the balances could not be read: the server sent .*unauthorized/],
    [
      'with one that was revoked',
      () => [...tls, '--token-file', file('none')],
      new RegExp(`^tally load: ${NOT_TAKEN}$`, 'm'),
    ],
    ['trusting nobody', () => ['--tls'], /^tally load: the certificate of localhost:\d+ is of no/m],
  ])('%s there is none, and one line says why', async (_, args, why) => {
    writeFileSync(file('none'), `tally_${'x'.repeat(43)}`, { mode: 0o600 });
    const where = ['--host', 'localhost', '--port', String(its.server.port), '--events', '10'];
    const { exitCode, stderr } = await tally(['load', ...where, ...args(), '--check-balances']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(why);
  });
});

test('where nobody answers in clear, TLS is thought of', async () => {
  const { exitCode, stderr } = await tally(['load', '--port', String(its.server.port), '--events', '10']);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^tally load: no line was answered; does the server speak TLS\? \(--tls\)$/m);
});

describe('watch', () => {
  test('looks over TLS, and sees what its token may', async () => {
    const where = ['watch', `localhost:${its.server.port}`, '--count', '1', '--json', ...tls];
    const { exitCode, stdout } = await tally([...where, '--token-file', file('all')]);
    expect({ exitCode, look: JSON.parse(stdout) }).toMatchObject({
      exitCode: 0,
      look: {
        state: 'ok',
        why: null,
        metrics: { users: expect.any(Number), closed_admin: expect.any(Number) },
      },
    });
    const mayNot = await tally([...where, '--token-file', file('ops')]);
    expect(JSON.parse(mayNot.stdout)).toMatchObject({
      state: 'ok',
      why: 'it does not tell us its metrics: the token has not the right read',
      metrics: null,
    });
    const stranger = await tally(where);
    expect(JSON.parse(stranger.stdout)).toMatchObject({
      state: 'ok',
      why: 'it tells its metrics to whom it knows: --token-file FILE',
    });
  });

  test('ends when its token is not taken, and goes on where only the certificate is not trusted yet', async () => {
    const [port, ca] = [its.server.port, authority.read(authority.ca).toString()];
    const refused = new Watcher('localhost', port, { tls: { ca }, token: 'a.b.c' });
    await expect(refused.look()).rejects.toThrow(NOT_TAKEN);
    refused.close();
    const wrong = new Watcher('localhost', port, { tls: {} });
    expect(await wrong.look()).toMatchObject({
      state: 'gone',
      why: expect.stringMatching(/^the certificate of/),
    });
    wrong.close();
    const inClear = new Watcher('localhost', port);
    expect(await inClear.look()).toMatchObject({
      state: 'gone',
      why: 'it hung up; does it speak TLS? (--tls)',
    });
    inClear.close();
  });
});

test('a token that nobody asks for does no harm', async () => {
  const server = await startServer();
  const { exitCode, result } = await load(
    server.port,
    `--token-file ${file('all')} --events 100 --connections 2`,
  );
  expect({ exitCode, sent: result.sent, accepted: result.accepted }).toEqual({
    exitCode: 0,
    sent: 100,
    accepted: 100,
  });
  await server.stop();
});

test('over TLS, no small line waits for the acknowledgement of another', () => {
  const spy = vi.spyOn(Socket.prototype, 'setNoDelay');
  const socket = dial({ host: '127.0.0.1', port: 1 }, { tls: {} }).on('error', () => {});
  expect(spy.mock.contexts).toContain(socket);
  spy.mockRestore();
  socket.destroy();
});
