/**
 * Shakes hands. The certificate may be renewed in place: `prepare` reads the files again, and new connections get the new
 * one; those that are there stay.
 *
 * node:tls accepts connections by itself or, as here, is given them (its event `connection`), and checks the certificates
 * of clients. Which of them has become secure is known by the addresses and ports of both ends.
 */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { FilesRead } from '../config/files-read.ts';
import type { CloseQueue } from './close-queue.ts';
import { whyFailed } from './handshake-failure.ts';
import { Handshakes } from './handshakes.ts';
import type { Securing } from './listener.ts';
import { readTls, type TlsContents, type TlsFiles } from './tls-files.ts';
import { type Shaking, TlsTransport } from './tls-transport.ts';
import type { Transport } from './transport.ts';

export class TlsAcceptor implements Shaking, Securing {
  readonly handshakes = new Handshakes();
  /** Is told of each handshake that has failed; `isClosed`: its connection was closed and counted for another reason. */
  onFailed: (address: string, reason: string, isClosed: boolean) => void = () => {};
  readonly #server: Server;
  #contents: TlsContents;
  readonly #waiting = new Map<string, (secure: TLSSocket) => void>();

  /** Throws a `TlsError`. */
  constructor(files: TlsFiles) {
    const asksClients = files.tlsClientCa !== '';
    this.#contents = readTls(files);
    const options = {
      ...this.#contents,
      requestCert: asksClients,
      rejectUnauthorized: asksClients,
      // A session has one deadline for this and for saying who it is.
      handshakeTimeout: 0,
    };
    this.#server = createServer(options, secure => {
      // A client may ask for it again and again, and it costs the server more than the client (CVE-2011-1473).
      secure.disableRenegotiation();
      this.#waiting.get(endsOf(secure))?.(secure);
    });
    this.#server.on('tlsClientError', ({ code }: NodeJS.ErrnoException, secure) => {
      // Its addresses may be gone by now.
      const { _parent: socket, authorizationError } = secure as unknown as Wrapping;
      socket?.[FAILED]?.(whyFailed(code, authorizationError ?? undefined));
    });
  }

  /**
   * Reads the files again, and writes into `read` which of them are others; throws a `TlsError`, and changes nothing until
   * the result is called.
   */
  prepare(files: TlsFiles, read: FilesRead): () => void {
    const contents = readTls(files);
    const { cert, key, ca } = this.#contents;
    read['tls-cert'] = { differs: !contents.cert.equals(cert) };
    if (files.tlsKey !== '') read['tls-key'] = { differs: !contents.key.equals(key) };
    if (ca !== undefined) read['tls-client-ca'] = { differs: contents.ca?.equals(ca) !== true };
    return () => {
      this.#contents = contents;
      this.#server.setSecureContext(contents);
    };
  }

  transport(socket: Socket, address: string, closeQueue: CloseQueue): Transport {
    return new TlsTransport(socket, address, this, closeQueue);
  }

  /** Shakes hands on a connection. Returns a function that forgets it. */
  begin(
    socket: Socket,
    onSecure: (secure: TLSSocket) => void,
    onFailed: (reason: string) => void,
  ): () => void {
    const ends = endsOf(socket);
    this.#waiting.set(ends, onSecure);
    (socket as Shaken)[FAILED] = onFailed;
    this.#server.emit('connection', socket);
    return () => this.#waiting.delete(ends);
  }

  failed(address: string, reason: string, isClosed: boolean): void {
    this.onFailed(address, reason, isClosed);
  }
}

/** On the socket itself: a table of ten thousand of them would keep what they leave behind. */
const FAILED = Symbol('told of the failure');

interface Shaken extends Socket {
  [FAILED]?: (reason: string) => void;
}

/** The inner part of a socket of TLS that says which connection it wraps. */
interface Wrapping {
  readonly _parent?: Shaken;
  /** A code; its declared type is another. */
  readonly authorizationError?: string | null;
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
