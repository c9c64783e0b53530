/**
 * Certificates for tests, made by hand on node:crypto (RFC 5280), so that no other program is needed: of an authority, of
 * a server, of a client. Keys are on the curve P-256, so that making them costs nothing.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface Certificate {
  /** PEM, both. */
  cert: string;
  key: string;
  /** For the authority of others. */
  issuer: { name: string; key: KeyObject };
}

const Tag = { boolean: 1, integer: 2, bits: 3, bytes: 4, oid: 6, text: 12, time: 23, sequence: 48, set: 49 };
const ECDSA_WITH_SHA256 = '06082a8648ce3d040302';
const COMMON_NAME = '0603550403';
const SUBJECT_ALT_NAME = '0603551d11';
const BASIC_CONSTRAINTS = '0603551d13';
const DAY_MS = 86_400_000;
const IP = /^(?:\d+\.){3}\d+$/;

let lastSerial = 0;

/** Valid from yesterday on, for ten days. Without an issuer it signs itself, and may sign others. */
export function newCertificate(
  commonName: string,
  names: readonly string[] = [],
  issuer?: Certificate['issuer'],
): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const by = issuer ?? { name: commonName, key: privateKey };
  const algorithm = sequence(hex(ECDSA_WITH_SHA256));
  const extensions = [
    ...(names.length === 0 ? [] : [extension(SUBJECT_ALT_NAME, sequence(...names.map(alternative)))]),
    ...(issuer === undefined
      ? [extension(BASIC_CONSTRAINTS, sequence(der(Tag.boolean, Buffer.from([255]))))]
      : []),
  ];
  const body = sequence(
    der(0xa0, der(Tag.integer, Buffer.from([2]))),
    der(Tag.integer, Buffer.from([1, ++lastSerial])),
    algorithm,
    distinguished(by.name),
    sequence(time(Date.now() - DAY_MS), time(Date.now() + 9 * DAY_MS)),
    distinguished(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  const signature = sign('sha256', body, by.key);
  const certificate = sequence(body, algorithm, der(Tag.bits, Buffer.concat([Buffer.from([0]), signature])));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    issuer: { name: commonName, key: privateKey },
  };
}

/** A tag, the length in one to three bytes, and the contents (X.690). */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), contents]);
}

const hex = (text: string) => Buffer.from(text, 'hex');
const sequence = (...parts: Buffer[]) => der(Tag.sequence, ...parts);

function distinguished(commonName: string): Buffer {
  return sequence(der(Tag.set, sequence(hex(COMMON_NAME), der(Tag.text, Buffer.from(commonName)))));
}

function extension(oid: string, value: Buffer): Buffer {
  return sequence(hex(oid), der(Tag.bytes, value));
}

/** A name of DNS, or an address of IPv4. */
function alternative(name: string): Buffer {
  return IP.test(name) ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name));
}

function time(ms: number): Buffer {
  return der(Tag.time, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}
