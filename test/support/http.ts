/** A server with its HTTP side, and requests to that: raw enough to lie about who is asked. */
import { type Agent, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { type RunningServer, startServer } from './server.ts';

export interface HttpAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface AskOptions {
  method?: string;
  headers?: Record<string, string>;
  /** Through TLS. */
  tls?: ConnectionOptions;
  /** Keeps connections, where it is there. */
  agent?: Agent;
}

export interface HttpServer extends RunningServer {
  http: number;
  get(path: string, options?: AskOptions): Promise<HttpAnswer>;
}

export async function startHttpServer(flags: string[] = []): Promise<HttpServer> {
  const server = await startServer(['--http', '0', ...flags]);
  const { http } = server.events.find(({ event }) => event === 'listening') as { http: number };
  return { ...server, http, get: (path, options) => ask(http, path, options) };
}

/** One request, on a connection of its own unless there is an agent. */
export function ask(port: number, path: string, { tls, ...options }: AskOptions = {}): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const send = tls === undefined ? request : secureRequest;
    const all = { host: '127.0.0.1', port, path, agent: false, ...options, ...tls };
    const asked = send(all, response => {
      let body = '';
      response.setEncoding('utf8').on('data', text => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}
