/** Sockets to a server: plain or TLS, on a port or a path; and in words, why there is none. */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { addressText } from '../../cli/terminal/address.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import type { Credentials } from './credentials.ts';

export type Target = { host: string; port: number } | { path: string };

/** The server does not take the token; `reply` is what it said. */
export class NotLetIn extends Error {
  constructor(reply: string) {
    super(
      reply === UNAUTHORIZED
        ? 'the server does not take the token: it is wrong, has expired or was revoked'
        : `asked to take a token, the server says ${quoteIfNeeded(reply)}`,
    );
  }
}

const UNAUTHORIZED = '{"status":"error","reason":"unauthorized"}';
const TAKEN = '{"status":"ok"}';

export function targetText(target: Target): string {
  return 'path' in target ? quoteIfNeeded(target.path) : addressText(target);
}

/** How a plain socket reads into the caller's memory; TLS can't. */
export type Onread = NonNullable<TcpNetConnectOpts['onread']>;

/** Begins to connect. */
export function dial(
  target: Target,
  { tls }: Credentials,
  more: { allowHalfOpen?: boolean; onread?: Onread } = {},
): Socket {
  if (tls === undefined) return connect({ ...target, noDelay: true, ...more });
  const options = { ...target, ...tls, allowHalfOpen: more.allowHalfOpen ?? false };
  // A small line must not wait for the acknowledgement of the one before it; node:tls takes no such option.
  return connectTls(options).setNoDelay(true);
}

/** The event that says that lines can be sent. */
export function openedEvent({ tls }: Credentials): 'connect' | 'secureConnect' {
  return tls === undefined ? 'connect' : 'secureConnect';
}

/** The first line of a connection that has a token. */
export function tokenLine(token: string): string {
  return `${JSON.stringify({ type: 'auth', token })}\n`;
}

/** Throws a `NotLetIn` unless this is the reply to a token that was taken. */
export function checkLetIn(reply: string): void {
  if (reply !== TAKEN) throw new NotLetIn(reply);
}

const UNTRUSTED =
  /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(?:_LOCALLY)?))$/;
const ASKED_FOR_CERTIFICATE =
  /ALERT_(?:CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE|HANDSHAKE_FAILURE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)$/;

/** Why there is no connection, in one line. */
export function whyNot(error: NodeJS.ErrnoException, target: Target): string {
  const { code = '', message } = error;
  const at = targetText(target);
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return `nothing listens on ${at}; npx tally serve starts a server`;
    case 'EMFILE':
      return 'too many connections for this process: raise the limit of open files (ulimit -n), or use fewer';
    case 'EADDRNOTAVAIL':
      return `no local port is left for another connection to ${at}; use fewer`;
    case 'EACCES':
      return `you may not connect to ${at}: its mode says who may`;
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return `the certificate of ${at} has expired, or is not valid yet`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate of ${at} is for other names: ${message.replace(/^.*altnames: /, '')}`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'EPROTO':
      return `${at} does not speak TLS`;
  }
  if (UNTRUSTED.test(code))
    return `the certificate of ${at} is of no authority that is known here; --tls-ca FILE says whom to trust`;
  if (ASKED_FOR_CERTIFICATE.test(code))
    return `${at} wants a certificate that it trusts: --tls-cert FILE and --tls-key FILE`;
  if (code.startsWith('ERR_OSSL') || code.startsWith('ERR_SSL')) return `no TLS with ${at}: ${message}`;
  return `no connection to ${at}: ${message}`;
}
