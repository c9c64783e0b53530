/** Which hosts a request may name, by where the server listens. */
import { describe, expect, test } from 'vitest';
import { isOwnHost, ownHosts } from '../../src/http/hosts.ts';

/** Names that another site may have, or nothing at all. */
// biome-ignore format: a list
const FOREIGN = [
  '', 'evil.example', '192.0.2.9.evil.example', 'tally.evil.example:9100', 'localhost.', '[tally]', '[127.0.0.1]',
  'a:b', 'a@b', 'localhost:', '192.0.2.9:1:2', 'evil.example:127.0.0.1', 'localhost\u202e',
];
const LOCAL = ['localhost:1', '127.0.0.1', '[::1]:9'];
/** Addresses, and names that only a local network can give. */
const NEAR = ['192.0.2.9:9100', '[2001:db8::1]:9100', 'tally:9100', 'tally-1_a'];

describe.each(['127.0.0.1', '127.0.0.2', 'localhost', '::1'])('on %s', listensOn => {
  test('there is loopback only', () => {
    expect(LOCAL.filter(host => !isOwnHost(host, listensOn))).toEqual([]);
    expect([...NEAR, ...FOREIGN].filter(host => isOwnHost(host, listensOn))).toEqual([]);
    expect(ownHosts(listensOn)).toBe('127.0.0.1, localhost and [::1] only');
  });
});

describe.each(['0.0.0.0', '::', '192.0.2.7', 'figures.example'])('on %s', listensOn => {
  test('there are addresses too, and names that no other site can have', () => {
    expect([...LOCAL, ...NEAR].filter(host => !isOwnHost(host, listensOn))).toEqual([]);
    expect(FOREIGN.filter(host => isOwnHost(host, listensOn))).toEqual([]);
  });

  test('its own name is known, if it has one', () => {
    expect(isOwnHost('Figures.example:9100', listensOn)).toBe(listensOn === 'figures.example');
    expect(ownHosts('figures.example')).toContain('figures.example');
  });
});
