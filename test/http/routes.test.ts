import { describe, expect, test } from 'vitest';
import { readPageFiles } from '../../src/http/page-files.ts';
import { route, type Shop } from '../../src/http/routes.ts';
import type { HttpSnapshot, State } from '../../src/http/snapshot.ts';
import { SnapshotCache } from '../../src/http/snapshot-cache.ts';

const snapshotOf = (state: State) => ({ state }) as HttpSnapshot;

function shopOf(state: State | undefined, host = '127.0.0.1'): Shop {
  const seen = state === undefined ? undefined : { snapshot: snapshotOf(state), answerMs: 1 };
  const write = () => '';
  const look = () => Promise.resolve(seen);
  const open = { isCertified: undefined, gate: undefined };
  return { host, files: readPageFiles(), metrics: write, live: write, look, ...open };
}

const asker = { address: '', authorization: undefined, destination: undefined, certificates: () => [] };
const get = (path: string, host: string | undefined = 'localhost:1', state?: State, shop = shopOf(state)) =>
  route(shop, { method: 'GET', target: path, host, httpVersion: '1.1', asker });

describe('probes', () => {
  test.each([
    ['starting', 503, 'starting'],
    ['serving', 200, 'ready'],
    ['degraded', 503, 'degraded'],
    ['draining', 503, 'draining'],
  ] as const)('a server that is %s is alive, and /readyz says %i %s', async (state, status, word) => {
    expect(await get('/readyz?x=1', 'localhost', state)).toMatchObject({ status, body: `${word}\n` });
    expect(await get('/healthz', 'localhost', state)).toMatchObject({ status: 200, body: 'ok\n' });
  });

  test.each(['/healthz', '/readyz', '/metrics', '/live.json'])(
    '%s says that a socket thread is stuck',
    async path => {
      expect(await get(path)).toMatchObject({ status: 503, body: 'stuck\n' });
    },
  );
});

describe('the guard', () => {
  test.each(['localhost', 'LOCALHOST:80', '127.0.0.1:65535', '[::1]', '[::1]:9'])('knows %s', async host => {
    expect((await get('/', host)).status).toBe(200);
  });

  test.each([
    ...['', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example:127.0.0.1'],
    ...['127.0.0.1@evil.example', '127.0.0.2', '[::2]', 'localhost:', 'localhost:1:2', 'localhost\u202e'],
  ])('refuses %j, whatever is asked for', async host => {
    for (const path of ['/', '/metrics', '/live.json', '/healthz'])
      expect((await get(path, host)).status).toBe(421);
  });

  test.each(['http://127.0.0.1/readyz?x', 'HTTP://localhost:7/readyz', 'http://[::1]/readyz'])(
    'takes the absolute form, %s',
    async target => {
      expect((await get(target, 'localhost', 'serving')).body).toBe('ready\n');
      expect((await get(target, 'evil.example', 'serving')).status).toBe(421);
    },
  );

  test('refuses the absolute form of another host, and what is no path at all', async () => {
    for (const target of ['http://evil.example/', 'http://localhost@evil.example/', 'http://', 'http:///'])
      expect((await get(target)).status, target).toBe(421);
    expect((await get('http://localhost')).status).toBe(200);
    for (const target of ['https://localhost/', '*', 'localhost/', 'http:/localhost/'])
      expect((await get(target)).status, target).toBe(404);
  });

  test('answers a request of HTTP/1.0 that names nobody; in HTTP/1.1 that is none', async () => {
    const asked = { method: 'GET', target: '/readyz', host: undefined, asker };
    const old = (target: string) => route(shopOf('serving'), { ...asked, target, httpVersion: '1.0' });
    expect(await old('/readyz')).toMatchObject({ status: 200, body: 'ready\n' });
    expect((await old('http://evil.example/readyz')).status).toBe(421);
    expect((await route(shopOf('serving'), { ...asked, httpVersion: '1.1' })).status).toBe(400);
    expect((await get('/readyz', '')).status).toBe(421);
  });

  test('knows an address, where it listens on more than loopback', async () => {
    const asked = { method: 'GET', target: '/readyz', host: '192.0.2.7:9100', httpVersion: '1.1', asker };
    expect((await route(shopOf('serving', '0.0.0.0'), asked)).status).toBe(200);
    expect((await route(shopOf('serving'), asked)).status).toBe(421);
    const evil = await route(shopOf('serving', '0.0.0.0'), { ...asked, host: 'evil.example' });
    expect(evil).toMatchObject({ status: 421, body: expect.stringMatching(/addresses.*"evil.example"/) });
  });

  test('knows the names of its certificate, wherever it listens, and then the absolute form of HTTPS only', async () => {
    const isCertified = (name: string) => name === 'tally.shop.example';
    for (const listensOn of ['127.0.0.1', '0.0.0.0']) {
      const shop = { ...shopOf('serving', listensOn), isCertified };
      const at = (host: string, path = '/readyz') => get(path, host, 'serving', shop);
      expect((await at('tally.shop.example:9100')).status).toBe(200);
      expect((await at('tally.shop.example:9100', 'https://tally.shop.example/readyz')).status).toBe(200);
      expect((await at('tally.shop.example', 'http://tally.shop.example/readyz')).status).toBe(404);
      const refused = await at('evil.example');
      expect(refused).toMatchObject({ status: 421, body: expect.stringContaining('in its certificate') });
      expect((await at('tally.shop.example', 'https://evil.example/')).status).toBe(421);
    }
  });

  test('repeats what was sent in a line that no terminal obeys', async () => {
    const { status, body } = await get(`/\u001b[2J"${'x'.repeat(500)}`);
    expect(status).toBe(404);
    expect(body).toMatch(/^nothing is at "[\x20-\x7e]{80,120}; there is .*\n$/);
  });
});

test('no path leads to a file that is not of the page', async () => {
  for (const path of [
    '/../front.ts',
    '/./live.js',
    '//live.js',
    '/live.html',
    '/%6cive.js',
    '/page/live.js',
    '/toString',
  ])
    expect((await get(path)).status, path).toBe(404);
});

test('the page and its parts ask for nothing from elsewhere', () => {
  for (const [path, { body }] of readPageFiles()) {
    const names = body.toString().replaceAll('http://www.w3.org/2000/svg', '');
    expect(names, path).not.toMatch(/https?:|\/\/[a-z]|@import|url\(/);
  }
});

test('a file of no known type is no part of the page', () => {
  expect(() => readPageFiles(new URL('.', import.meta.url))).toThrow('.test.ts is of no type');
});

describe('asking the socket thread', () => {
  test('is one question for all who look at once, and none for those who look right after', async () => {
    let questions = 0;
    const asking = new SnapshotCache(() => void questions++, 5_000);
    const looks = [asking.look(), asking.look(), asking.look()];
    expect(questions).toBe(1);
    asking.answered(snapshotOf('serving'));
    for (const look of [...looks, asking.look()]) expect((await look)?.snapshot.state).toBe('serving');
    expect(questions).toBe(1);
  });

  test('without an answer says so in time, asks no second time, and takes the answer when it comes', async () => {
    let questions = 0;
    const asking = new SnapshotCache(() => void questions++, 10);
    expect(await asking.look()).toBeUndefined();
    expect(await asking.look()).toBeUndefined();
    expect(questions).toBe(1);
    const look = asking.look();
    asking.answered(snapshotOf('degraded'));
    expect((await look)?.snapshot.state).toBe('degraded');
  });
});
