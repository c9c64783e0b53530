/**
 * HTTPS, with the certificate of the port of the events. It may be renewed in place: new connections get the new one, and
 * those that are there stay.
 */
import { X509Certificate } from 'node:crypto';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createServer } from 'node:https';
import type { SecureContextOptions, TLSSocket, Server as TlsServer } from 'node:tls';
import { namesOf } from '../net/certificate-names.ts';
import { readTls } from '../net/tls-files.ts';
import type { HttpsFiles } from './protection.ts';

const HANDSHAKE_MS_MAX = 5_000;

export class SecureServer {
  readonly #files: HttpsFiles;
  readonly #handshakeMsMax: number;
  #options: SecureContextOptions;
  #certificate: X509Certificate;
  #server: (Server & TlsServer) | undefined;
  /** To look into a certificate costs more than to answer. */
  readonly #names = new WeakMap<TLSSocket, readonly string[]>();

  /** Throws a `TlsError`. */
  constructor(files: HttpsFiles, handshakeMsMax = HANDSHAKE_MS_MAX) {
    this.#files = files;
    this.#handshakeMsMax = handshakeMsMax;
    this.#options = readTls(files);
    this.#certificate = new X509Certificate(this.#options.cert as Buffer);
  }

  create(options: ServerOptions, take: RequestListener): Server {
    const { tlsClientCa, requiresCertificate } = this.#files;
    const server = createServer(
      {
        ...options,
        ...this.#options,
        requestCert: tlsClientCa !== '',
        rejectUnauthorized: requiresCertificate,
        handshakeTimeout: this.#handshakeMsMax,
      },
      take,
    );
    // A client may ask for it again and again, and it costs the server more than the client (CVE-2011-1473).
    server.on('secureConnection', secure => secure.disableRenegotiation());
    this.#server = server;
    return server;
  }

  /** Reads the files again; what is returned puts them in force. Throws a `TlsError`. */
  prepare(): () => void {
    const options = readTls(this.#files);
    const certificate = new X509Certificate(options.cert as Buffer);
    return () => {
      this.#options = options;
      this.#certificate = certificate;
      this.#server?.setSecureContext(options);
    };
  }

  /** Whether the certificate is for this name. */
  isCertified(name: string): boolean {
    return this.#certificate.checkHost(name) !== undefined;
  }

  /** Until when the certificate holds, in Unix time. */
  get certificateUntilS(): number {
    return Date.parse(this.#certificate.validTo) / 1_000;
  }

  /** Whose certificate the client of a connection has. */
  clientOf(secure: TLSSocket): readonly string[] {
    const names = this.#names.get(secure) ?? namesOf(secure);
    this.#names.set(secure, names);
    return names;
  }
}
