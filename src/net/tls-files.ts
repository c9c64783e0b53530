/**
 * The certificate of the server, and what TLS must be: 1.2 or later, and ciphers with forward secrecy and authentication
 * only (RFC 9325).
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** A file of TLS that can't be used; one line. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
}

/** The settings that name the files. */
export interface TlsFiles {
  readonly tlsCert: string;
  /** Empty: the key is in the file of the certificate. */
  readonly tlsKey: string;
  /** Empty: clients need no certificate. */
  readonly tlsClientCa: string;
}

/** For `tls.createServer` and `setSecureContext`: what was in the files, and what TLS must be. */
export interface TlsContents extends SecureContextOptions {
  cert: Buffer;
  key: Buffer;
  ca?: Buffer;
}

const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** Reads the files. Throws a `TlsError`. */
export function readTls({ tlsCert, tlsKey, tlsClientCa }: TlsFiles): TlsContents {
  const cert = fileOf('--tls-cert', tlsCert);
  const key = tlsKey === '' ? cert : fileOf('--tls-key', tlsKey);
  const ca = tlsClientCa === '' ? undefined : fileOf('--tls-client-ca', tlsClientCa);
  checkCertificate('--tls-cert', tlsCert, cert);
  if (ca !== undefined) checkCertificate('--tls-client-ca', tlsClientCa, ca);
  const options: TlsContents = {
    cert,
    key,
    ...(ca && { ca }),
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // Without it, a session with a client's certificate could not be resumed.
    sessionIdContext: 'tally',
  };
  try {
    createSecureContext(options);
    return options;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH')
      throw new TlsError(
        tlsKey === ''
          ? `--tls-cert ${tlsCert} holds a key that is not that of its certificate`
          : `--tls-key ${tlsKey} is not that of the certificate in ${tlsCert}`,
      );
    throw new TlsError(whatIsWrong(tlsCert, tlsKey, key));
  }
}

/** Nothing of the key is in it. */
function whatIsWrong(tlsCert: string, tlsKey: string, key: Buffer): string {
  const isThere = key.includes('PRIVATE KEY-----');
  if (!isThere && tlsKey === '')
    return `--tls-cert ${tlsCert} holds no private key; --tls-key FILE says where it is`;
  const place = tlsKey === '' ? `--tls-cert ${tlsCert}` : `--tls-key ${tlsKey}`;
  if (!isThere) return `${place} holds no private key (PEM: -----BEGIN PRIVATE KEY-----)`;
  return key.includes('ENCRYPTED')
    ? `${place} holds a private key that is encrypted, and nobody is asked for its password; openssl pkey takes it off`
    : `${place} holds no private key that can be used`;
}

function fileOf(flag: string, path: string): Buffer {
  try {
    // A pipe would be waited for, and is empty at the next reload.
    if (!statSync(path).isFile()) throw new TlsError(`${flag} ${path} is not a file`);
    return readFileSync(path);
  } catch (error) {
    if (error instanceof TlsError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'is not there'
        : code === 'EACCES'
          ? 'may not be read'
          : `can't be read: ${message}`;
    throw new TlsError(`${flag} ${path} ${why}`);
  }
}

function checkCertificate(flag: string, path: string, pem: Buffer): void {
  try {
    new X509Certificate(pem);
  } catch {
    throw new TlsError(`${flag} ${path} holds no certificate (PEM: -----BEGIN CERTIFICATE-----)`);
  }
}
