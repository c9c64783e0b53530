/**
 * The thread that speaks HTTP: one small server on loopback, with a limit on all that a client can make it keep. What
 * clients do to it, they do to one another at worst; the events have a thread of their own.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { Asking, type Seen } from './asking.ts';
import { liveJson } from './live.ts';
import { readPageFiles } from './page-files.ts';
import { prometheusText } from './prometheus.ts';
import { route, SECURITY_HEADERS, type Shop } from './routes.ts';
import type { Answer, FrontMessage, FrontStart } from './view.ts';

const HOST = '127.0.0.1';
/** One more, and the oldest is closed: whoever holds connections open keeps nobody else out. */
const CONNECTIONS_MAX = 32;
const HEADER_BYTES_MAX = 8_192;
/** How long a request may take to come, and how long a connection may say nothing. */
const REQUEST_MS_MAX = 5_000;
const IDLE_MS_MAX = 5_000;
const CHECK_MS = 1_000;
/** A socket thread that says nothing for so long is stuck: far above anything that load does. */
const ANSWER_MS_MAX = 3_000;

function startFront({ port, version }: FrontStart, send: (message: FrontMessage) => void): Asking {
  const asking = new Asking(() => send({ is: 'ask' }), ANSWER_MS_MAX);
  const shop: Shop = {
    files: readPageFiles(),
    metrics: oncePerLook(({ view }) => prometheusText(view, version)),
    live: oncePerLook(seen => liveJson(seen, version)),
    look: () => asking.look(),
  };
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: IDLE_MS_MAX,
      connectionsCheckingInterval: CHECK_MS,
      noDelay: true,
    },
    (request, response) => void answer(shop, request, response),
  );
  server.setTimeout(2 * REQUEST_MS_MAX);
  const sockets = new Set<Socket>();
  server.on('connection', socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (sockets.size > CONNECTIONS_MAX) sockets.values().next().value?.destroy();
  });
  server.once('error', (error: NodeJS.ErrnoException) =>
    send({ is: 'failed', code: error.code, message: error.message }),
  );
  server.listen({ host: HOST, port }, () => {
    server.on('error', () => {});
    send({ is: 'listening', port: (server.address() as AddressInfo).port });
  });
  return asking;
}

/** Whoever asks a thousand times gets the same text. */
function oncePerLook(write: (seen: Seen) => string): (seen: Seen) => string {
  let last: Seen | undefined;
  let text = '';
  return seen => {
    if (seen !== last) text = write(seen);
    last = seen;
    return text;
  };
}

async function answer(shop: Shop, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '' } = request;
  const { status, headers, body } = await route(shop, method, request.headers.host, url);
  const bytes = Buffer.from(body);
  // A body is never wanted: whoever sends one is cut off behind the answer.
  const isLast = method !== 'GET' && method !== 'HEAD';
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    'content-length': bytes.length,
    ...(isLast ? { connection: 'close' } : {}),
  });
  response.end(method === 'HEAD' ? undefined : bytes);
}

const port = parentPort!;
const asking = startFront(workerData as FrontStart, message => port.postMessage(message));
port.on('message', ({ view }: Answer) => asking.answered(view));
