/**
 * The network that an address belongs to, as limits count: an IPv4 address alone, and of IPv6 the first 64 bits, since
 * whoever has one such address has all behind it (RFC 6177).
 */
import { isIPv6 } from 'node:net';

const MAPPED = '::ffff:';

/** `192.0.2.7`, `2001:db8:0:1::/64`; empty if there is no address. */
export function networkOf(address: string): string {
  const mapped = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : '';
  if (mapped.includes('.')) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  if (tail !== undefined) while (groups.length + behind.length < 8) groups.push('0');
  const first = [...groups, ...behind].slice(0, 4).map(group => Number.parseInt(group, 16).toString(16));
  return `${first.join(':')}::/64`;
}
