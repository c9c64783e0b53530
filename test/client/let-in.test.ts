/** The client at servers that ask who it is, and that speak TLS. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TallyError } from '../../src/client/client.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { allPages, ROOT } from '../docs/pages.ts';
import { Administered, adminLine, connectionsOf } from '../support/administered.ts';
import { ACCEPTED, HEALTHY, okLine } from '../support/asking.ts';
import { Authority } from '../support/certificates.ts';
import { connect, FakeServer } from './fake-server.ts';

const UNAUTHORIZED = '{"status":"error","reason":"unauthorized"}';
const AUTH = '{"type":"auth","token":"a token"}';

describe('the real server, over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-client-'));
  const authority = new Authority();
  const { cert, key } = authority.issue('localhost');
  const tls = { ca: authority.read(authority.ca) };
  let its: Administered;
  let where: { host: string; port: number };
  beforeAll(async () => {
    const socket = join(folder, 'socket');
    its = await Administered.start(['--tls-cert', cert, '--tls-key', key, '--socket', socket]);
    where = { host: 'localhost', port: its.server.port };
  });
  afterAll(async () => {
    await its.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('takes the token on every connection, and does what it allows', async () => {
    const tally = await connect({ ...where, tls, token: its.tokens.all });
    expect(await tally.buy('till3:1', 5, { wait: true })).toEqual({ status: 'ok', balance: 5 });
    const ops = await Client.reach({ path: join(folder, 'socket') }, { token: its.tokens.ops });
    for (let round = 1; round <= 3; round++) {
      const { client } = (await connectionsOf(ops)).find(({ name }) => name === 'token all')!;
      expect(await ops.ask(adminLine({ do: 'close', client }))).toBe(HEALTHY);
      expect(await tally.buy('till3:1', 1, { wait: true })).toEqual({ status: 'ok', balance: 5 + round });
    }
    ops.close();
    const till = await connect({ ...where, tls, token: its.tokens.till });
    expect(await till.balance('till3:1')).toBe(8);
    const error = await till.buy('till4:1', 1).catch(thrown => thrown);
    expect(error).toBeInstanceOf(TallyError);
    expect(error).toMatchObject({ reason: 'forbidden' });
  });

  test('is reached as docs/client.md says', async () => {
    const { blocks } = allPages().find(({ path }) => path === 'docs/client.md')!;
    const code = blocks
      .find(({ mark }) => mark === 'read')!
      .text.replace("'tally.shop.example'", `'localhost', port: ${where.port}`)
      .replace('ca.pem', authority.ca);
    const more = `console.log(await tally.balance('till3:1')); await tally.close();`;
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', code + more],
      { cwd: ROOT, env: { ...process.env, TALLY_TOKEN: its.tokens.all } },
    );
    expect({ stdout, stderr }).toEqual({ stdout: '8\n', stderr: '' });
  });

  test('refuses a wrong token at once, in a typed error that does not repeat it', async () => {
    const startMs = performance.now();
    const error = await connect({ ...where, tls, token: 'not.a.token' }).catch(thrown => thrown);
    expect(error).toBeInstanceOf(TallyError);
    expect(error.reason).toBe('unauthorized');
    expect(`${error.stack}${error.cause}`).not.toContain('not.a.token');
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  test('has a client without a token connect, and answers nothing but health', async () => {
    const tally = await connect({ ...where, tls });
    expect(await tally.health()).toBe('ok');
    await expect(tally.balance('a')).rejects.toMatchObject({ reason: 'unauthorized' });
  });

  test('is not trusted with another certificate: then nothing was done', async () => {
    const error = await connect({ ...where, tls: {}, token: its.tokens.all, deadlineMs: 300 }).catch(
      thrown => thrown,
    );
    expect(error).toMatchObject({
      reason: 'not_done',
      cause: { code: expect.stringMatching(/^UNABLE_TO_/) },
    });
  });
});

describe('a token', () => {
  test('is the first line of every connection, in one write with what is behind it', async () => {
    const server = await FakeServer.start((line, socket) => {
      // The first of its events is lost with its connection.
      if (line.includes('"lost"') && server.sockets.length === 1) socket.destroy();
      return line.includes('auth') ? HEALTHY : ACCEPTED;
    });
    const tally = await connect({ port: server.port, token: 'a token' });
    expect(server.lines).toEqual([AUTH, AUTH]);
    expect(server.chunks).toBe(1);
    await Promise.all([tally.buy('lost', 1, { id: 'x' }), tally.buy('b', 1, { id: 'y' })]);
    expect(server.lines.slice(4)).toEqual([
      AUTH,
      '{"user":"lost","action":"buy","amount":1,"id":"x"}',
      '{"user":"b","action":"buy","amount":1,"id":"y"}',
    ]);
    expect(server.chunks).toBe(3);
  });

  test('that is refused later on says nothing of what was sent before', async () => {
    let isKnown = true;
    const server = await FakeServer.start((line, socket) => {
      if (line.includes('"lost"') && isKnown) {
        isKnown = false;
        socket.destroy();
      }
      return isKnown ? (line.includes('auth') ? HEALTHY : okLine(1)) : UNAUTHORIZED;
    });
    const tally = await connect({ port: server.port, token: 'a token' });
    const lost = tally.buy('lost', 1, { wait: true, deadlineMs: 300 }).catch(thrown => thrown);
    expect(await lost).toMatchObject({ reason: 'outcome_unknown', cause: { message: 'unauthorized' } });
    // Of one that was never sent before, it says all.
    await expect(tally.buy('other', 1)).rejects.toMatchObject({ reason: 'unauthorized' });
    isKnown = true;
    for (const socket of server.sockets) socket.destroy();
    expect(await tally.buy('other', 1, { wait: true })).toEqual({ status: 'ok', balance: 1 });
  });
});

test('an event over its limit of rate is asked again until it is taken', async () => {
  let refused = 0;
  const server = await FakeServer.start(line => {
    if (line.includes('health')) return HEALTHY;
    refused += 1;
    return refused <= 3 ? '{"status":"rejected","reason":"rate_limited"}' : ACCEPTED;
  });
  const tally = await connect({ port: server.port });
  expect(await tally.buy('a', 1)).toEqual({ status: 'accepted' });
  expect(refused).toBe(4);
  refused = 0;
  const once = await connect({ port: server.port, retries: false });
  expect(await once.buy('a', 1)).toEqual({ status: 'rejected', reason: 'rate_limited' });
});
