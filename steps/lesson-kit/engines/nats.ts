/** NATS with JetStream: one server, whose streams are files. */
import { isNatsServerHere, NatsServers } from '../../../src/tools/cluster/nats-servers.ts';
import type { EngineKind } from './engine.ts';

export const NATS: EngineKind = {
  name: 'nats',
  title: 'NATS JetStream',
  debian: 'nats-server',
  brew: 'nats-server',
  isHere: isNatsServerHere,
  start: async () => {
    const servers = await NatsServers.start({ count: 1 });
    const [server] = servers.servers;
    return {
      name: 'nats',
      url: server!.url,
      pid: server!.pid,
      signal: name => server!.signal(name),
      stop: () => servers.stop(),
    };
  },
};
