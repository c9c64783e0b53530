/**
 * What is answered to a request over HTTP, as data: method, host and path in, status, headers and body out. Everything
 * is read only, so a browser that is led here by another site's page can do no harm; and by the guard on the host's
 * name, that page learns nothing either.
 */

import type { PageFile } from './page-files.ts';
import type { Seen } from './snapshot-cache.ts';

export interface Answered {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
}

export interface Shop {
  /** By path. */
  files: Map<string, PageFile>;
  metrics(seen: Seen): string;
  live(seen: Seen): string;
  /** Undefined if the socket thread gives no answer. */
  look(): Promise<Seen | undefined>;
}

const METHODS = ['GET', 'HEAD'];
const TEXT = 'text/plain; charset=utf-8';
/** What Prometheus asks for by this name. */
const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** The page needs nothing from elsewhere, and nobody may frame it, send to it or read it from elsewhere. */
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

export async function route(
  shop: Shop,
  method: string,
  host: string | undefined,
  target: string,
): Promise<Answered> {
  const [authority, url] = split(target);
  // Whoever names two hosts means neither of them in particular: each has to be ours.
  for (const name of authority === undefined ? [host] : [authority, host])
    if (!isLoopback(name))
      return say(421, `this server answers to 127.0.0.1, localhost and [::1] only, not to ${quote(name)}`);
  if (!METHODS.includes(method))
    return {
      ...say(405, `${METHODS.join(' and ')} only`),
      headers: { allow: METHODS.join(', '), 'content-type': TEXT },
    };
  const path = url.split('?', 1)[0]!;
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

function say(status: number, line: string): Answered {
  return { status, headers: { 'content-type': TEXT }, body: `${line}\n` };
}

/**
 * A name of another site that was made to lead to 127.0.0.1 (DNS rebinding) is still in the host header: then a page of
 * that site would count as ours. Any port: a tunnel may have another one.
 */
function isLoopback(host: string | undefined): boolean {
  return /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i.test(host ?? '');
}

/** The absolute form (RFC 9112, 3.2.2), which proxies use, names the host once more. */
function split(target: string): [string | undefined, string] {
  const [, authority, url = ''] = /^http:\/\/([^/?#]*)(.*)$/is.exec(target) ?? [];
  if (authority === undefined) return [undefined, target];
  return [authority, url.startsWith('/') ? url : `/${url}`];
}

/** What somebody sent, in a line of ours: short, and nothing that a terminal would obey. */
function quote(text: string | undefined): string {
  return JSON.stringify((text ?? '').slice(0, 80)).replace(/[^\x20-\x7e]/g, '?');
}
