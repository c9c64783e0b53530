/** The three NATS servers as they are seen: whether each is well, and how many streams it leads, by its own word. */
import { isHealthy, jetStreamOf } from '../nats-monitor.ts';
import type { NatsServer } from '../nats-servers.ts';

export interface NatsLook {
  readonly name: string;
  readonly address: string;
  /** `joining`: it runs, and is not well yet. */
  readonly state: 'down' | 'joining' | 'up';
  /** Streams that it leads. */
  readonly leads: number;
  /** It is the one that makes streams and consumers. */
  readonly isMetaLeader: boolean;
}

export async function lookAt(server: NatsServer): Promise<NatsLook> {
  const { name, isRunning } = server;
  const blank = { name, address: `127.0.0.1:${server.port}`, leads: 0, isMetaLeader: false };
  if (!isRunning) return { ...blank, state: 'down' };
  const [isWell, seen] = await Promise.all([isHealthy(server.httpPort), jetStreamOf(server.httpPort)]);
  return {
    ...blank,
    state: isWell ? 'up' : 'joining',
    leads: seen?.streams.filter(({ leader }) => leader === name).length ?? 0,
    isMetaLeader: seen?.metaLeader === name,
  };
}
