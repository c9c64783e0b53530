/** Real servers of NATS for the tests of a file, which are skipped where there is no nats-server. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll } from 'vitest';
import {
  isNatsServerHere,
  NatsServers,
  type NatsServersOptions,
} from '../../src/tools/cluster/nats-servers.ts';
import { stopLinks } from './linked.ts';

/** For `describe.skipIf`. Where everything has to be tested, that it is missing is a failure. */
export const isNatsMissing = !isNatsServerHere();
if (isNatsMissing && process.env.CI !== undefined)
  throw new Error(
    'nats-server is missing, and CI is set: nothing may be skipped (apt-get install nats-server)',
  );
if (isNatsMissing) console.warn('skipped: nats-server is not installed here');

/** Started before the tests of this file, and a connection of our own; stopped behind them. */
export function useNats(options: NatsServersOptions = {}): {
  readonly servers: NatsServers;
  readonly nats: NatsConnection;
} {
  const used: { servers?: NatsServers; nats?: NatsConnection } = {};
  beforeAll(async () => {
    if (isNatsMissing) return;
    used.servers = await NatsServers.start(options);
    used.nats = await connect({ servers: used.servers.urls });
  });
  afterAll(async () => {
    await stopLinks();
    await used.nats?.close();
    await used.servers?.stop();
  });
  return {
    get servers() {
      return used.servers!;
    },
    get nats() {
      return used.nats!;
    },
  };
}
