/** The three NATS servers as they are seen: whether each is well, and how many streams it leads, by its own word. */
import { illnessOf, jetStreamOf } from '../nats-monitor.ts';
import type { NatsServer } from '../nats-servers.ts';

export interface NatsLook {
  readonly name: string;
  readonly address: string;
  /** `unwell`: it runs, and some of its streams do not, because they have no leader, or because it is behind. */
  readonly state: 'down' | 'unwell' | 'up';
  /** Streams that it leads, and all that it knows. */
  readonly leads: number;
  readonly streams: number;
  /** It is the one that makes streams and consumers. */
  readonly isMetaLeader: boolean;
}

export async function lookAt(server: NatsServer): Promise<NatsLook> {
  const { name, isRunning } = server;
  const blank = { name, address: `127.0.0.1:${server.port}`, leads: 0, streams: 0, isMetaLeader: false };
  if (!isRunning) return { ...blank, state: 'down' };
  const [illness, seen] = await Promise.all([illnessOf(server.httpPort), jetStreamOf(server.httpPort)]);
  return {
    ...blank,
    state: illness === undefined ? 'up' : 'unwell',
    leads: seen?.streams.filter(({ leader }) => leader === name).length ?? 0,
    streams: seen?.streams.length ?? 0,
    isMetaLeader: seen?.metaLeader === name,
  };
}

/** All there are, as far as any of them knows. */
export function streamsOf(looks: readonly NatsLook[]): number {
  return Math.max(0, ...looks.map(({ streams }) => streams));
}

export function leaderlessOf(looks: readonly NatsLook[]): number {
  return streamsOf(looks) - looks.reduce((sum, { leads }) => sum + leads, 0);
}
