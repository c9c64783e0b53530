/** The connection to NATS: opened within a limited time, then kept for ever, and quick to notice that a server is gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connect,
  credsAuthenticator,
  errors,
  type NatsConnection,
  type NodeConnectionOptions,
  type Server,
} from '@nats-io/transport-node';
import type { LinkStart, NatsCredentials } from './link-options.ts';
import { messageOf, Refusal } from './refusal.ts';

/** While it starts: servers that start at the same time may need a moment. */
const START_MS_MAX = 10_000;
const RETRY_MS = 250;
/** A server that accepts, and then says nothing, is left for the next one. */
const DIAL_MS_MAX = 2_000;
/** So a server that answers nothing any more is left after 1.5 to 2 s. */
const PING_MS = 500;
const PINGS_OUT_MAX = 3;
/** Between two attempts at the same server. */
const REDIAL_MS = 250;
const JITTER_MS = 100;

export type Connecting = Pick<LinkStart, 'servers' | 'credentials' | 'node' | 'cluster'>;

/** Throws a `Refusal` that names the servers if none lets us in. */
export async function openConnection(start: Connecting, limitMs = START_MS_MAX): Promise<NatsConnection> {
  const addresses = start.servers.join(', ');
  const options = optionsOf(start);
  const endMs = performance.now() + limitMs;
  for (;;) {
    try {
      return await connect(options);
    } catch (error) {
      if (
        error instanceof errors.AuthorizationError ||
        error instanceof errors.UserAuthenticationExpiredError
      )
        throw new Refusal(
          `NATS at ${addresses} does not let us in: ${messageOf(error)}; see --cluster-creds`,
          {
            cause: error,
          },
        );
      if (!mayPass(error))
        throw new Refusal(`no connection to NATS at ${addresses}: ${messageOf(error)}${adviceFor(error)}`, {
          cause: error,
        });
      if (performance.now() + RETRY_MS > endMs)
        throw new Refusal(
          `no nats-server at ${addresses} within ${limitMs / 1_000} s: ${messageOf(error)}; is it running, and is the address right?`,
          { cause: error },
        );
    }
    await sleep(RETRY_MS);
  }
}

/** No server there, or none that answers: not yet, perhaps. Not a certificate that is not trusted, or a mistake. */
function mayPass(error: unknown): boolean {
  if (error instanceof errors.ConnectionError || error instanceof errors.TimeoutError) return true;
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && /^E[A-Z]+$/.test(code);
}

function adviceFor(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? '' : '; --cluster-ca says whose certificates are trusted';
}

function optionsOf({ servers, credentials, node, cluster }: Connecting): NodeConnectionOptions {
  return {
    servers: [...servers],
    name: `tally ${cluster} ${node}`,
    timeout: DIAL_MS_MAX,
    pingInterval: PING_MS,
    maxPingOut: PINGS_OUT_MAX,
    maxReconnectAttempts: -1,
    reconnectTimeWait: REDIAL_MS,
    reconnectJitter: JITTER_MS,
    reconnectJitterTLS: JITTER_MS,
    // Once we were let in, a server that does not let us in is one that is being set up.
    ignoreAuthErrorAbort: true,
    reconnectToServer: inTurn(),
    noAsyncTraces: true,
    ...authenticationOf(credentials),
    ...tlsOf(credentials),
  };
}

function authenticationOf({ creds, user, password, token }: NatsCredentials): NodeConnectionOptions {
  if (creds !== undefined) return { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) };
  if (token !== undefined) return { token };
  return user === undefined ? {} : { user, ...(password !== undefined && { pass: password }) };
}

function tlsOf({ isTls, ca, cert, key }: NatsCredentials): NodeConnectionOptions {
  if (isTls !== true && ca === undefined && cert === undefined) return {};
  return {
    tls: {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    },
  };
}

/** One after the other, so that a server that has just failed is not the first to be tried again. */
function inTurn(): (pool: readonly Server[]) => Server | null {
  let last = '';
  return pool => {
    const addresses = pool.map(({ listen }) => listen).sort();
    const next = addresses[(addresses.indexOf(last) + 1) % addresses.length];
    // The first one is the client's choice, which is random: nodes are spread over servers.
    const server = pool.find(({ listen }) => listen === next && last !== '') ?? pool[0] ?? null;
    last = server?.listen ?? '';
    return server;
  };
}
