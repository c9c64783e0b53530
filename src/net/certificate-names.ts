/** Whose certificate a client has: the names by which the file of tokens may know it. */
import type { TLSSocket } from 'node:tls';

/** The common name, and those for DNS; none if TLS has not found the certificate to be valid. */
export function namesOf(secure: TLSSocket): string[] {
  if (!secure.authorized) return [];
  const { subject, subjectaltname = '' } = secure.getPeerCertificate();
  const common: unknown = subject?.CN;
  const others = subjectaltname.split(', ').filter(name => name.startsWith('DNS:'));
  return [...(typeof common === 'string' ? [common] : []), ...others.map(name => name.slice('DNS:'.length))];
}
