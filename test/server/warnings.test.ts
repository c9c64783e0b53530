/** What is said at the start about addresses that others can reach. */
import { expect, test } from 'vitest';
import type { Log } from '../../src/log.ts';
import { isLoopback, warnIfExposed } from '../../src/server/warnings.ts';

const NOTHING = {
  ...{ exposed: false, tokens: '', jwtKeys: '', tlsCert: '', tlsClientCa: '' },
  httpOpen: 'probes' as 'probes' | 'all',
};

function warningsFor(address: string, http?: string, settings = NOTHING, isTls = false) {
  const warned: Record<string, unknown>[] = [];
  const warn = (event: string, fields: object, text: string) => void warned.push({ event, ...fields, text });
  const addresses = [{ is: 'tcp', host: address, port: 1, isTls, isProxied: false } as const];
  warnIfExposed({ warn } as unknown as Log, settings, addresses, [{ address, port: 1 }], http);
  return warned;
}

test('loopback is reached by this machine only', () => {
  expect(['127.0.0.1', '127.8.9.10', '::1'].filter(address => !isLoopback(address))).toEqual([]);
  const others = ['0.0.0.0', '::', '10.0.0.1', '192.0.2.1', '2001:db8::1', '::2', 'fe80::1'];
  expect(others.filter(isLoopback)).toEqual([]);
});

test('an address beyond loopback is warned of, for the events and for HTTP', () => {
  expect(warningsFor('127.0.0.1', '::1')).toEqual([]);
  expect(warningsFor('127.0.0.1')).toEqual([]);
  expect(warningsFor('0.0.0.0')).toEqual([
    {
      event: 'exposed',
      flag: '--host',
      address: '0.0.0.0',
      lacks: ['--tokens', '--tls-cert'],
      text: expect.stringMatching(/^0\.0\.0\.0: .*buy and sell for anyone/),
    },
  ]);
  expect(warningsFor('127.0.0.1', '::')).toMatchObject([
    { event: 'exposed', flag: '--http-host', address: '::' },
  ]);
  expect(warningsFor('::', '0.0.0.0')).toHaveLength(2);
});

test('the flag is that which named the address', () => {
  const warned: object[] = [];
  const log = { warn: (_: string, fields: object) => void warned.push(fields) } as unknown as Log;
  const tcp = { is: 'tcp', host: 'x', port: 1, isTls: false, isProxied: false } as const;
  const at = ['127.0.0.1', '0.0.0.0'].map(address => ({ address, port: 1 }));
  warnIfExposed(log, NOTHING, [tcp, tcp], at, undefined);
  warnIfExposed(log, NOTHING, [{ ...tcp, is: 'descriptor', fd: 3 }], at.slice(1), undefined);
  expect(warned).toEqual([
    { flag: '--listen', address: '0.0.0.0', lacks: ['--tokens', '--tls-cert'] },
    { flag: 'LISTEN_FDS', address: '0.0.0.0', lacks: ['--tokens', '--tls-cert'] },
  ]);
});

test('what protects the address is not asked for again, and what is meant is not warned of', () => {
  const withTokens = { ...NOTHING, tokens: 'tokens' };
  const withTls = { ...withTokens, tlsCert: 'cert.pem' };
  expect(warningsFor('0.0.0.0', '0.0.0.0', withTls, true)).toEqual([]);
  expect(warningsFor('0.0.0.0', undefined, withTokens)).toMatchObject([
    { lacks: ['--tls-cert'], text: expect.stringMatching(/can read tokens.*--tls-cert/) },
  ]);
  expect(warningsFor('0.0.0.0', undefined, NOTHING, true)).toMatchObject([
    { lacks: ['--tokens'], text: expect.stringMatching(/anyone.*--tokens/) },
  ]);
  expect(warningsFor('0.0.0.0', undefined, { ...NOTHING, tlsClientCa: 'ca' }, true)).toEqual([]);
  expect(warningsFor('0.0.0.0', '0.0.0.0', { ...NOTHING, exposed: true })).toEqual([]);
});

test('HTTP is warned of by what it lacks itself', () => {
  const http = (more: object) =>
    warningsFor('127.0.0.1', '0.0.0.0', { ...NOTHING, ...more }).map(({ lacks, text }) => [lacks, text]);
  const said = (text: string, flag: string) => [
    [[flag], expect.stringMatching(new RegExp(`${text}; it .*\\(${flag}\\)`))],
  ];
  expect(http({ tokens: 'tokens' })).toEqual(said('can read tokens and metrics', '--tls-cert'));
  expect(http({ tokens: 'tokens', tlsCert: 'cert', httpOpen: 'all' })).toEqual(
    said('may read them', '--http-open'),
  );
  expect(http({ tlsCert: 'cert' })).toEqual(said('may read them', '--tokens'));
  expect(http({ tlsCert: 'cert', tlsClientCa: 'ca' })).toEqual([]);
});
