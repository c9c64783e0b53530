/** What the HTTP side does when its files change: tokens are revoked, certificates renewed, threads replaced. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { importsOf } from '../../bench/structure/tree.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { readSettings } from '../../src/config/read.ts';
import { protectionOf } from '../../src/http/protection.ts';
import { SecureServer } from '../../src/http/secure-server.ts';
import { HttpThread } from '../../src/http/thread.ts';
import { Log } from '../../src/log.ts';
import { assemble } from '../../src/server/assemble.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { ask, type HttpServer, startHttpServer } from '../support/http.ts';
import { bearer, Strangers } from '../support/strangers.ts';

const folder = mkdtempSync(join(tmpdir(), 'tally-strangers-reload-'));
const strangers = new Strangers(folder);
const { reader, tlsFlags, tokenFlags, authority } = strangers;
const tls = { ca: authority.cert, servername: 'tally.test' };
const SOON_MS = 1_000;
afterAll(() => rmSync(folder, { recursive: true }));

describe('a server', { sequential: true }, () => {
  let server: HttpServer;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  beforeAll(async () => {
    server = await startHttpServer(['--workers', '1', ...tokenFlags, ...tlsFlags]);
  });
  afterAll(async () => {
    agent.destroy();
    await server.stop();
  });

  /** On a new connection, or on the one that stays. */
  const statusOf = async (isNew = true) =>
    (await server.get('/metrics', { headers: bearer(reader), tls, ...(isNew ? {} : { agent }) })).status;
  const reloads = () => server.events.filter(({ event }) => String(event).startsWith('reload'));
  async function reload(): Promise<Record<string, unknown>> {
    const { length } = reloads();
    server.process.kill('SIGHUP');
    await until(() => reloads().length > length, 'a reload');
    return reloads()[length]!;
  }
  async function fingerprint(): Promise<string> {
    const socket = connect({ port: server.http, host: '127.0.0.1', ...tls });
    onTestFinished(() => void socket.destroy());
    await new Promise(resolve => socket.once('secureConnect', resolve));
    return socket.getPeerCertificate().fingerprint256;
  }

  test('refuses a token within a second after it was revoked, on every connection', async () => {
    expect([await statusOf(), await statusOf(false)]).toEqual([200, 200]);
    strangers.writeTokens(strangers.lines('reader'));
    const startMs = performance.now();
    expect(await reload()).toMatchObject({
      event: 'reloaded',
      changes: {},
      files: {
        'tls-cert': { differs: false },
        'tls-key': { differs: false },
        tokens: { entries: strangers.lines('reader').length, added: 0, removed: 1, changed: 0 },
      },
    });
    expect([await statusOf(), await statusOf(false)]).toEqual([401, 401]);
    expect(performance.now() - startMs).toBeLessThan(SOON_MS);
    strangers.writeTokens(strangers.lines());
    expect(await reload()).toMatchObject({ event: 'reloaded' });
    expect([await statusOf(), await statusOf(false)]).toEqual([200, 200]);
  });

  test('goes on with what it has, where a file has a mistake', async () => {
    const before = await fingerprint();
    strangers.renew();
    strangers.writeTokens([...strangers.lines(), '{"name":"x"}']);
    expect(await reload()).toMatchObject({
      event: 'reload_failed',
      reason: expect.stringContaining('line 5'),
    });
    expect(await statusOf()).toBe(200);
    expect(await fingerprint()).toBe(before);
    strangers.writeTokens(strangers.lines());
  });

  test('shows a renewed certificate to new connections, and those that are there stay', async () => {
    const kept = () =>
      server.get('/metrics', { headers: bearer(reader), tls, agent }).then(({ status }) => status);
    expect(await kept()).toBe(200);
    const [socket] = Object.values(agent.freeSockets)[0]!;
    const before = await fingerprint();
    strangers.renew();
    const other = { differs: true };
    expect(await reload()).toMatchObject({
      event: 'reloaded',
      files: { 'tls-cert': other, 'tls-key': other },
    });
    const after = await fingerprint();
    expect(after).not.toBe(before);
    expect(await kept()).toBe(200);
    expect(Object.values(agent.freeSockets)[0]).toEqual([socket]);
    // Each reload reads them again.
    strangers.renew();
    await reload();
    expect([before, after]).not.toContain(await fingerprint());
  });

  test('has no line of a thread that died', () => {
    expect(server.events.filter(({ event }) => event === 'http_died')).toEqual([]);
  });
});

describe('the thread', () => {
  const settings = readSettings(['--workers', '1', '--ring', '8', '--users', '8', ...tokenFlags], {});
  const logged: Record<string, unknown>[] = [];
  const stream = {
    write: (line: string) => logged.push(JSON.parse(line) as Record<string, unknown>),
    on: () => {},
  } as unknown as NodeJS.WriteStream;
  const log = new Log({ logLevel: 'warn', logFormat: 'json' }, stream);
  const { engine, sessions } = assemble(settings, log);
  const watched = { engine, metrics: sessions.metrics, isDraining: false, connectionsMax: 7 };
  const start = () => new HttpThread(watched, log, '0.0.0', protectionOf(settings));

  test('puts in force what it has read only when it is told to; one that follows it reads anew', async () => {
    const thread = start();
    onTestFinished(() => thread.end());
    const { port } = await thread.listen('127.0.0.1', 0);
    const status = async () => (await ask(port, '/metrics', { headers: bearer(reader) })).status;
    expect(await status()).toBe(200);
    strangers.writeTokens(strangers.lines('reader'));
    await thread.prepare();
    expect(await status()).toBe(200);
    const commit = await thread.prepare();
    commit();
    expect(await status()).toBe(401);

    strangers.writeTokens(['{']);
    await expect(thread.prepare()).rejects.toThrow(/line 1: is not JSON/);
    expect(await status()).toBe(401);
    // It dies, and its file can't be used: that is said until it can.
    thread.kill();
    const deaths = () => logged.filter(({ event }) => event === 'http_died');
    await until(() => deaths().length > 1, 'the death, and that it can not start');
    expect(deaths()[1]).toMatchObject({ reason: expect.stringContaining('line 1: is not JSON') });
    expect(logged.filter(({ event }) => event === 'unauthorized')).toHaveLength(2);
    strangers.writeTokens(strangers.lines());
    await until(async () => (await status().catch(() => 0)) === 200, 'another thread');
  });

  test('without its files does not start, and says which is wrong', async () => {
    const protection = protectionOf({ ...settings, tokens: join(folder, 'none') });
    const thread = new HttpThread(watched, log, '0.0.0', protection);
    const failed = thread.listen('127.0.0.1', 0).catch((error: Error) => error);
    expect(await failed).toBeInstanceOf(ConfigError);
    expect(String(await failed)).toMatch(/none: no such file/);
  });

  test('that is not there has nothing to read again', async () => {
    const commit = await start().prepare();
    expect(commit()).toBeUndefined();
  });
});

test('a handshake that takes too long is ended', async () => {
  const files = { tlsCert: strangers.path('cert.pem'), tlsKey: strangers.path('key.pem'), tlsClientCa: '' };
  const secure = new SecureServer({ ...files, requiresCertificate: false }, 50);
  const server = secure.create({}, () => {});
  onTestFinished(() => void server.close());
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const silent = connectPlain((server.address() as AddressInfo).port, '127.0.0.1').resume();
  onTestFinished(() => void silent.destroy());
  silent.on('error', () => {});
  await until(() => silent.closed, 'its end', SOON_MS);
});

test('what keeps strangers out is loaded only where it is asked for', () => {
  const loaded = new Set<string>();
  const load = (path: string) => {
    if (loaded.has(path)) return;
    loaded.add(path);
    const text = readFileSync(join(ROOT, path), 'utf8');
    for (const { name, path: to, isType } of importsOf({ path, text })) {
      if (isType || text.includes(`import('${name}')`)) continue;
      if (to === undefined) loaded.add(name);
      else load(to);
    }
  };
  load('src/http/server.ts');
  load('src/http/thread.ts');
  load('src/http/protection.ts');
  expect(loaded).toContain('src/http/doors.ts');
  expect(loaded).toContain('node:http');
  const found = [...loaded].filter(name =>
    /node:(?:https|tls|crypto)|src\/(?:security|guard)\/|\/tls-|secure/.test(name),
  );
  expect(found).toEqual([]);
});

test('what the settings ask for is what the thread is told', () => {
  const of = (...args: string[]) => protectionOf(readSettings(args, {}));
  const withCa = ['--tls-cert', 'c', '--tls-client-ca', 'a'];
  expect(of()).toBeUndefined();
  expect(of('--tokens', 't', '--http-open', 'all')).toBeUndefined();
  expect(of('--tokens', 't')).toMatchObject({ https: undefined, gate: { tokens: 't', areProbesOpen: true } });
  expect(of('--tokens', 't', '--http-open', 'none')).toMatchObject({ gate: { areProbesOpen: false } });
  expect(of(...withCa)).toMatchObject({ https: { requiresCertificate: true }, gate: undefined });
  expect(of(...withCa, '--tokens', 't')).toMatchObject({ https: { requiresCertificate: false } });
  expect(of(...withCa, '--tokens', 't', '--http-open', 'all')).toMatchObject({
    https: { requiresCertificate: false },
    gate: undefined,
  });
  expect(() => of('--http-open', 'none')).toThrow('--http-open none is about tokens; say with --tokens FILE');
});
