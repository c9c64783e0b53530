/**
 * The HTTP thread: a small server, on loopback by default, with a limit on everything that a client can make it keep. At worst,
 * HTTP clients harm one another; events are served by another thread.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { HTTP_CONNECTIONS_MAX } from '../config/descriptors.ts';
import { type Doors, openDoors } from './doors.ts';
import { liveJson } from './live-json.ts';
import { readPageFiles } from './page-files.ts';
import { prometheusText } from './prometheus.ts';
import { route, SECURITY_HEADERS, type Shop } from './routes.ts';
import type { FromHttpThread, HttpThreadStart, ToHttpThread } from './snapshot.ts';
import { type Seen, SnapshotCache } from './snapshot-cache.ts';

const HEADER_BYTES_MAX = 8_192;
/** The time limit for receiving a request, and for an idle connection. */
const REQUEST_MS_MAX = 5_000;
const IDLE_MS_MAX = 5_000;
const CHECK_MS = 1_000;
/** A socket thread that does not answer for this long is stuck: load alone causes far smaller delays. */
const ANSWER_MS_MAX = 3_000;

interface HttpServer {
  snapshots: SnapshotCache;
  /** Closes everything that keeps the thread alive. */
  end(): void;
}

function startServer(
  start: HttpThreadStart,
  { gate, secure }: Doors,
  send: (message: FromHttpThread) => void,
): HttpServer {
  const snapshots = new SnapshotCache(() => send({ is: 'ask' }), ANSWER_MS_MAX);
  const ofHttp = () => ({
    unauthorized: gate?.unauthorized,
    certificateUntilS: secure?.certificateUntilS,
  });
  const shop: Shop = {
    host: start.host,
    isCertified: secure && (name => secure.isCertified(name)),
    gate,
    files: readPageFiles(),
    metrics: oncePerLook(({ snapshot }) => prometheusText(snapshot, start.version, ofHttp())),
    live: oncePerLook(seen => liveJson(seen, start)),
    look: () => snapshots.look(),
  };
  const take: RequestListener = (request, response) => {
    const certificates = () => secure?.clientOf(request.socket as TLSSocket) ?? [];
    if (mayAsk(request.socket)) void answer(shop, request, response, certificates);
  };
  const options: ServerOptions = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: REQUEST_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: IDLE_MS_MAX,
    connectionsCheckingInterval: CHECK_MS,
    noDelay: true,
    requireHostHeader: false,
  };
  const server: Server = secure?.create(options, take) ?? createServer(options, take);
  // Requests that node:http would otherwise answer by itself, bypassing the limit below: those with an `Expect`
  // header (and, by the option above, those without a host).
  server.on('checkContinue', take);
  server.on('checkExpectation', take);
  // A client that has ended its side still gets its answer (`printf … | nc -N`). Not in the types.
  Object.assign(server, { httpAllowHalfOpen: true });
  server.setTimeout(2 * REQUEST_MS_MAX);
  const sockets = new Set<Socket>();
  let isEnding = false;
  server.on('connection', socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (isEnding) socket.destroy();
    else if (sockets.size > HTTP_CONNECTIONS_MAX) sockets.values().next().value?.destroy();
  });
  server.once('error', (error: NodeJS.ErrnoException) =>
    send({ is: 'failed', code: error.code, message: error.message }),
  );
  server.listen({ host: start.host, port: start.port }, () => {
    // From here on, an error means that a connection could not be accepted, which concerns its client only.
    server.removeAllListeners('error').on('error', () => {});
    if (isEnding) return void server.close();
    const { address, port } = server.address() as AddressInfo;
    send({ is: 'listening', at: { address, port } });
  });
  return {
    snapshots,
    end() {
      isEnding = true;
      server.close();
      for (const socket of sockets) socket.destroy();
      snapshots.end();
    },
  };
}

/** A return value of llhttp's callback `on_headers_complete`. */
const PARSE_NO_FURTHER = 2;

/** The sockets that wait for an answer. */
const asked = new WeakSet<Socket>();

/**
 * One request at a time on a connection: no browser, probe or scraper pipelines requests, and one chunk could hold
 * more than a thousand, each with an answer to keep. A client that pipelines is disconnected.
 */
function mayAsk(socket: ParsedSocket): boolean {
  if (socket.destroyed) return false;
  if (!asked.has(socket)) {
    asked.add(socket);
    return true;
  }
  socket.destroy();
  // node:http would parse the rest of the chunk, some thousand requests, for a destroyed socket. This makes its
  // parser stop at the next one, as at a protocol upgrade. It is not a public API: without it, the rest is parsed.
  if (socket.parser) socket.parser.onIncoming = () => PARSE_NO_FURTHER;
  return false;
}

type ParsedSocket = Socket & { parser?: { onIncoming?: () => number } | null };

/** Caches the text of a snapshot, so that repeated requests do not format it again. */
function oncePerLook(write: (seen: Seen) => string): (seen: Seen) => string {
  let last: Seen | undefined;
  let text = '';
  return seen => {
    if (seen !== last) text = write(seen);
    last = seen;
    return text;
  };
}

async function answer(
  shop: Shop,
  request: IncomingMessage,
  response: ServerResponse,
  certificates: () => readonly string[],
): Promise<void> {
  const { method = '', url: target = '', headers: asks, httpVersion, socket } = request;
  response.once('finish', () => asked.delete(socket));
  const asker = {
    address: socket.remoteAddress ?? '',
    authorization: asks.authorization,
    destination: asks['sec-fetch-dest'] as string | undefined,
    certificates,
  };
  const { status, headers, body } = await route(shop, {
    method,
    target,
    host: asks.host,
    httpVersion,
    asker,
  });
  if (socket.destroyed) return;
  const bytes = Buffer.from(body);
  // No route takes a body: a client that sends one is disconnected after the answer.
  const hasBody = 'content-length' in asks || 'transfer-encoding' in asks;
  const isLast = hasBody || (method !== 'GET' && method !== 'HEAD');
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    'content-length': bytes.length,
    ...(isLast ? { connection: 'close' } : {}),
  });
  response.end(method === 'HEAD' ? undefined : bytes);
}

async function run(start: HttpThreadStart, port: MessagePort): Promise<void> {
  const send = (message: FromHttpThread) => port.postMessage(message);
  let doors: Doors;
  try {
    doors = await openDoors(start.protection, send);
  } catch (error) {
    // Nothing keeps the thread alive then. It is started again, and reads what is there by then.
    return send({ is: 'unusable', mistake: (error as Error).message });
  }
  const server = startServer(start, doors, send);
  port.on('message', (message: ToHttpThread) => {
    switch (message.is) {
      case 'snapshot':
        return server.snapshots.answered(message.snapshot);
      case 'prepare':
        return void doors.prepare(message.round);
      case 'commit':
        return doors.commit(message.round);
      case 'end':
        // The thread then ends by itself; `process.exit` would stop it at an arbitrary point.
        server.end();
        port.close();
    }
  });
}

await run(workerData as HttpThreadStart, parentPort!);
