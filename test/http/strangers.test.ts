/** The HTTP side in front of strangers, over HTTP and HTTPS: who is answered what, and what it costs to be one. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import { edPair } from '../security/signing.ts';
import { type AskOptions, type HttpAnswer, type HttpServer, startHttpServer } from '../support/http.ts';
import { basic, bearer, Strangers } from '../support/strangers.ts';
import type { Certificate } from '../support/x509.ts';

const folder = mkdtempSync(join(tmpdir(), 'tally-strangers-'));
const strangers = new Strangers(folder);
const { reader, writer, wrong, authority, tlsFlags, tokenFlags, clientFlags } = strangers;
const ca = authority.cert;
const tls = { ca, servername: 'tally.test' };

const FLAGS = {
  'HTTP, probes open': tokenFlags,
  'HTTP, none open': [...tokenFlags, '--http-open', 'none'],
  'HTTPS, probes open': [...tokenFlags, ...tlsFlags, ...clientFlags, '--http-open', 'probes'],
  'HTTPS, all open': [...tokenFlags, ...tlsFlags, '--http-open', 'all'],
  'HTTPS, certificates only': [...tlsFlags, ...clientFlags],
};
type Name = keyof typeof FLAGS;
const NAMES = Object.keys(FLAGS) as Name[];
const WITH_TOKENS = NAMES.filter(name => name !== 'HTTPS, certificates only');
/** For which so many lines are written, and a little more. */
const SECOND_MS = 1_100;
const SECURE = 'HTTPS, probes open';

const servers = {} as Record<Name, HttpServer>;
const sockets: Socket[] = [];
beforeAll(async () => {
  const started = await Promise.all(NAMES.map(name => startHttpServer(['--workers', '1', ...FLAGS[name]])));
  for (const [at, name] of NAMES.entries()) servers[name] = started[at]!;
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  for (const agent of Object.values(agents)) agent.destroy();
  await Promise.all(Object.values(servers).map(server => server.stop()));
  rmSync(folder, { recursive: true });
});

/** Connections are kept: handshakes would be most of the time. */
const agents: Record<string, Agent> = {};

function ask(name: Name, path: string, headers: Record<string, string> = {}): Promise<HttpAnswer> {
  if (name.startsWith('HTTP,')) return servers[name].get(path, { headers });
  agents[name] ??= new Agent({ keepAlive: true, maxSockets: 1 });
  return servers[name].get(path, { headers, tls, agent: agents[name] });
}

/** Over HTTPS, on a connection of its own, with a certificate. */
function askAs({ cert, key }: Certificate, name: Name, path: string, more: AskOptions = {}) {
  return servers[name].get(path, { tls: { ...tls, cert, key }, ...more });
}

function openPlain(name: Name): Socket {
  const socket = connectPlain(servers[name].http, '127.0.0.1');
  sockets.push(socket);
  return socket.on('error', () => {}).resume();
}

function openSecure(name: Name, more: ConnectionOptions = {}): TLSSocket {
  const socket = connect({ port: servers[name].http, host: '127.0.0.1', ...tls, ...more });
  sockets.push(socket);
  return socket.on('error', () => {});
}

const logged = (name: Name, wanted: string) => servers[name].events.filter(({ event }) => event === wanted);

const PROBES = ['/healthz', '/readyz'];
const GUARDED = ['/', '/live.js', '/icon.svg', '/live.json', '/metrics', '/nowhere'];
/** What they send, and how it is answered where it is looked at. */
const WHO: [string, Record<string, string>, number][] = [
  ['nobody', {}, 401],
  ['a wrong token', bearer(wrong), 401],
  ['what is no token', bearer('secret'), 401],
  ['an empty token', { authorization: 'Bearer ' }, 401],
  ['a scheme that is not known', { authorization: `Digest ${reader}` }, 401],
  ['a token without a scheme', { authorization: reader }, 401],
  ['a token and something behind it', { authorization: `Bearer ${reader} x` }, 401],
  ['a token that may not read', bearer(writer), 403],
  ['a token that may read', bearer(reader), 200],
  ['a token that may read, in small letters', { authorization: `bearer  ${reader} ` }, 200],
  ['a browser', basic('anybody', reader), 200],
  ['a browser without a name', basic('', reader), 200],
  ['a browser with the token as its name', basic(reader, ''), 401],
  ['a browser with a wrong password', basic('', wrong), 401],
  ['a browser whose token may not read', basic('', writer), 403],
  ['Basic without a colon', { authorization: `Basic ${Buffer.from(reader).toString('base64')}` }, 401],
  ['a JWT that may read', bearer(strangers.jwt(['read'])), 200],
  ['a JWT that may not', bearer(strangers.jwt(['write'])), 403],
  ['a JWT that somebody else has signed', bearer(strangers.jwt(['read'], edPair())), 401],
  ['a browser with a JWT', basic('', strangers.jwt(['read', 'write'])), 200],
];

describe.each(WITH_TOKENS)('%s:', name => {
  const isOpen = (path: string) =>
    name.endsWith('all open') || (name.endsWith('probes open') && PROBES.includes(path));

  test.each(WHO)('%s', async (_, headers, status) => {
    const answers = await Promise.all([...PROBES, ...GUARDED].map(path => ask(name, path, headers)));
    for (const [at, path] of [...PROBES, ...GUARDED].entries()) {
      const expected = isOpen(path) ? 200 : status;
      expect(answers[at]!.status, path).toBe(expected === 200 && path === '/nowhere' ? 404 : expected);
    }
  });
});

describe('who is refused', () => {
  test('is told what to do, by which schemes, and nothing else', async () => {
    for (const name of ['HTTP, none open', SECURE] as const) {
      const { headers, body } = await ask(name, '/');
      const { 'www-authenticate': schemes, 'content-security-policy': policy } = headers;
      // node:http joins the two.
      expect(schemes).toBe('Bearer realm="tally", Basic realm="tally"');
      expect(policy).toContain("default-src 'none'");
      expect(body).toMatch(/^unauthorized: .*'Authorization: Bearer TOKEN'.*\n$/);
      const twice = await ask(name, '/metrics', bearer(wrong));
      expect(twice.headers['www-authenticate']).toMatch(
        /^Bearer realm="tally", error="invalid_token", Basic /,
      );
      expect(twice.body).toBe(body);
      const without = await ask(name, '/metrics', bearer(writer));
      expect(without.headers['www-authenticate']).toBe('Bearer realm="tally", error="insufficient_scope"');
      expect(without.body).toMatch(/^forbidden: .*\bread\b.*\n$/);
    }
  });

  test('is asked for no password, where a script of the page has asked', async () => {
    const { status, headers } = await ask(SECURE, '/live.json', { 'sec-fetch-dest': 'empty' });
    expect({ status, schemes: headers['www-authenticate'] }).toEqual({
      status: 401,
      schemes: 'Bearer realm="tally"',
    });
  });

  test('is in the log, without the token; of a flood only the beginning, and how many more there were', async () => {
    const name = 'HTTP, none open';
    // What was refused before may have taken this second's lines.
    await sleep(SECOND_MS);
    const before = logged(name, 'unauthorized').length;
    const counted = async () => {
      const { body } = await ask(name, '/metrics', bearer(reader));
      return Number(/^tally_http_unauthorized_total (\d+)$/m.exec(body)![1]);
    };
    const said = () =>
      logged(name, 'unauthorized').length +
      logged(name, 'audit_dropped').reduce((sum, { lines }) => sum + (lines as number), 0);
    const flood = 60;
    const earlier = await counted();
    // No more connections at once than there may be.
    for (let asked = 0; asked < flood; asked += 20) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(name, '/', bearer(wrong))));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
    }
    // What was looked at a moment ago is not written anew.
    await until(async () => (await counted()) === earlier + flood, 'all to be counted');
    await until(() => said() === earlier + flood, 'the log to speak of all');
    const lines = logged(name, 'unauthorized').slice(before);
    expect(lines.length).toBeLessThan(flood);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      http: true,
      address: '127.0.0.1',
      reason: 'unknown_token',
    });
    const everything = JSON.stringify(Object.values(servers).map(server => server.events));
    for (const secret of [wrong, reader, writer]) expect(everything).not.toContain(secret.slice(6, 20));
  });

  test('is not counted where nobody is asked', async () => {
    const { body } = await ask('HTTPS, all open', '/metrics', bearer(wrong));
    expect(body).not.toContain('http_unauthorized');
    expect(logged('HTTPS, all open', 'unauthorized')).toEqual([]);
  });
});

describe('a certificate', () => {
  const { readingTill, writingTill, otherTill, forged } = strangers;

  test.each([
    ['that may read', readingTill, 200],
    ['that may not', writingTill, 403],
    ['without an entry', otherTill, 401],
    ['of another authority', forged, 401],
  ])('%s, where there are tokens', async (_, certificate, status) => {
    expect((await askAs(certificate, SECURE, '/metrics')).status).toBe(status);
    expect((await askAs(certificate, SECURE, '/healthz')).status).toBe(200);
    // What is presented is what counts.
    const both = (token: string) => askAs(certificate, SECURE, '/metrics', { headers: bearer(token) });
    expect([(await both(reader)).status, (await both(wrong)).status]).toEqual([200, 401]);
  });

  test('without an entry is in the log, and nothing of what it shows', async () => {
    // A line may be one of those that are only counted.
    await until(async () => {
      await askAs(otherTill, SECURE, '/');
      return logged(SECURE, 'unauthorized').some(({ reason }) => reason === 'unknown_certificate');
    }, 'the log to speak of it');
  });

  test('is needed for all where there are no tokens, and then it is enough', async () => {
    const name = 'HTTPS, certificates only';
    for (const path of ['/healthz', '/metrics', '/']) {
      await expect(ask(name, path)).rejects.toThrow();
      await expect(askAs(forged, name, path)).rejects.toThrow();
      expect((await askAs(otherTill, name, path)).status).toBe(200);
    }
  });
});

describe('HTTPS', () => {
  test('is what the first line says, and answers to the names of its certificate', async () => {
    expect(servers[SECURE].events[0]).toMatchObject({ event: 'listening', tls: true });
    const at = (host: string) => ask(SECURE, '/readyz', { host });
    expect((await at('tally.test:9100')).status).toBe(200);
    expect((await at('evil.example')).status).toBe(421);
    expect((await ask('HTTP, none open', '/readyz', { host: 'tally.test' })).status).toBe(421);
  });

  test('says until when its certificate holds', async () => {
    const { validTo } = new X509Certificate(readFileSync(strangers.path('cert.pem')));
    const saysOf = async (name: Name) =>
      /^tally_certificate_expiration_timestamp_seconds (\S+)$/m.exec(
        (await ask(name, '/metrics', bearer(reader))).body,
      )?.[1];
    expect(Number(await saysOf(SECURE))).toBe(Date.parse(validTo) / 1_000);
    expect(await saysOf('HTTP, none open')).toBeUndefined();
  });

  test('has no old versions, and no ciphers without forward secrecy', async () => {
    const opened = async (more: ConnectionOptions) => {
      const socket = openSecure(SECURE, more);
      const outcome = await new Promise(resolve => {
        socket.on('secureConnect', () => resolve(socket.getProtocol()));
        socket.on('close', () => resolve('refused'));
      });
      socket.destroy();
      return outcome;
    };
    const weak = 'AES128-GCM-SHA256:@SECLEVEL=0';
    expect(await opened({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
    expect(await opened({ maxVersion: 'TLSv1.2', ciphers: weak })).toBe('refused');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    expect(await opened(old)).toBe('refused');
  });

  test('answers nothing in the clear', async () => {
    const socket = connectPlain(servers[SECURE].http, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {}).write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(await text(socket).catch(() => '')).not.toContain('HTTP/1.1');
  });

  test('refuses headers that are too large, and ends who pipelines without an answer', async () => {
    expect((await ask(SECURE, '/healthz', { x: 'x'.repeat(9_000) })).status).toBe(431);
    let bytes = 0;
    const flood = Array.from({ length: 8 }, () => {
      const socket = openSecure(SECURE).on('data', chunk => {
        bytes += chunk.length;
      });
      socket.write(
        `GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${wrong}\r\n\r\n`.repeat(5_000),
      );
      return socket;
    });
    await until(() => flood.every(({ closed }) => closed), 'all of them cut off');
    expect(bytes).toBe(0);
    expect((await ask(SECURE, '/readyz')).body).toBe('ready\n');
  });

  test('is not kept from others by clients that do not shake hands', async () => {
    const slow = Array.from({ length: 100 }, () => openPlain(SECURE));
    // The oldest made room for the newest.
    await until(() => slow.filter(socket => socket.closed).length >= 68, '68 of 100 closed', 3_000);
    expect((await servers[SECURE].get('/healthz', { tls })).body).toBe('ok\n');
    for (const socket of slow) socket.destroy();
  });

  test('has not lost its thread to any of this', () => {
    expect(NAMES.flatMap(name => logged(name, 'http_died'))).toEqual([]);
  });
});
