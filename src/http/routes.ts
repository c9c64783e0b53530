/**
 * The answer to an HTTP request, as a pure function: method, host and path in; status, headers and body out. All
 * routes are read-only, so another site's page that makes a browser send requests here can do no harm; and because
 * the host is checked, that page can't read the answers either.
 */

import { isOwnHost, ownHosts } from './hosts.ts';
import type { PageFile } from './page-files.ts';
import type { Seen } from './snapshot-cache.ts';

export interface Answered {
  status: number;
  headers: Record<string, string | string[]>;
  body: string | Buffer;
}

/** What is read of a request. */
export interface Asked {
  method: string;
  target: string;
  /** The host header; a request of HTTP/1.0 need not have one. */
  host: string | undefined;
  /** `1.1` */
  httpVersion: string;
  /** Who asks, where that matters. */
  asker: Asker;
}

/** What a request says of whoever sends it. */
export interface Asker {
  address: string;
  /** The header. */
  authorization: string | undefined;
  /** What a browser wants it for (Fetch Metadata): `document` for a page, `empty` for what a script fetches. */
  destination: string | undefined;
  /** The names in its certificate, which TLS has found to be valid. */
  certificates(): readonly string[];
}

/** Lets in who may read; its one implementation, in gate.ts, is loaded only where tokens are asked for. */
export interface Gatekeeping {
  /** What a request for this path is answered instead; undefined: it may be answered. Never rejects. */
  refusalOf(path: string, asker: Asker): Promise<Answered | undefined>;
}

export interface Shop {
  /** The setting `--http-host`. */
  host: string;
  /** Through TLS: whether the certificate is for a name. */
  isCertified: ((name: string) => boolean) | undefined;
  /** Undefined: whoever asks may read all. */
  gate: Gatekeeping | undefined;
  /** The files of the page, by path. */
  files: Map<string, PageFile>;
  metrics(seen: Seen): string;
  live(seen: Seen): string;
  /** Undefined if the socket thread does not answer. */
  look(): Promise<Seen | undefined>;
}

const METHODS = ['GET', 'HEAD'];
const TEXT = 'text/plain; charset=utf-8';
/** The content type of Prometheus's text format. */
const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** The page loads nothing from other origins, and no other origin may frame it, post to it or read it. */
export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

export async function route(shop: Shop, asked: Asked): Promise<Answered> {
  const { method, target, host, httpVersion, asker } = asked;
  const { isCertified } = shop;
  const [authority, url] = split(target, isCertified === undefined ? 'http' : 'https');
  // No browser leaves it out, so a request of HTTP/1.0 without one is no other site's.
  if (host === undefined && httpVersion !== '1.0') return say(400, 'HTTP/1.1 needs a host header');
  // If a request names two hosts, both must be ours.
  for (const name of [authority, host])
    if (name !== undefined && !isOwnHost(name, shop.host, isCertified)) {
      const own = ownHosts(shop.host, isCertified !== undefined);
      return say(421, `this server answers to ${own}, not to ${quote(name)}`);
    }
  if (!METHODS.includes(method))
    return say(405, `${METHODS.join(' and ')} only`, { allow: METHODS.join(', ') });
  const path = url.split('?', 1)[0]!;
  const refusal = await shop.gate?.refusalOf(path, asker);
  if (refusal !== undefined) return refusal;
  const file = shop.files.get(path);
  if (file !== undefined) return { status: 200, headers: { 'content-type': file.type }, body: file.body };
  switch (path) {
    case '/healthz':
      return (await shop.look()) === undefined ? say(503, 'stuck') : say(200, 'ok');
    case '/readyz':
      return ready(await shop.look());
    case '/metrics':
      return shown(await shop.look(), PROMETHEUS_TEXT, shop.metrics);
    case '/live.json':
      return shown(await shop.look(), 'application/json', shop.live);
    default:
      return say(404, `nothing is at ${quote(path)}; there is /, /metrics, /healthz and /readyz`);
  }
}

function ready(seen: Seen | undefined): Answered {
  if (seen === undefined) return say(503, 'stuck');
  return seen.snapshot.state === 'serving' ? say(200, 'ready') : say(503, seen.snapshot.state);
}

function shown(seen: Seen | undefined, type: string, write: (seen: Seen) => string): Answered {
  if (seen === undefined) return say(503, 'stuck');
  return { status: 200, headers: { 'content-type': type }, body: write(seen) };
}

/** An answer of one line. */
export function say(status: number, line: string, headers: Answered['headers'] = {}): Answered {
  return { status, headers: { 'content-type': TEXT, ...headers }, body: `${line}\n` };
}

/** Splits off the authority: the absolute form (RFC 9112, 3.2.2), which proxies use, repeats the host. */
function split(target: string, wanted: 'http' | 'https'): [string | undefined, string] {
  const [, scheme, authority, url = ''] = /^(https?):\/\/([^/?#]*)(.*)$/is.exec(target) ?? [];
  if (authority === undefined || scheme?.toLowerCase() !== wanted) return [undefined, target];
  return [authority, url.startsWith('/') ? url : `/${url}`];
}

/** Quotes a client's text in our output: shortened, without control characters. */
function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80)).replace(/[^\x20-\x7e]/g, '?');
}
