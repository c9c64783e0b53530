/** Every bench by its name. Each is loaded on demand, so that none influences another. */
import type { Bench } from './bench.ts';

/** In the order in which they run when no name is given. Loading one must do nothing but define it. */
export const BENCHES: Record<string, () => Promise<{ bench: Bench }>> = {
  'micro-ring': () => import('./micro/ring.ts'),
  'micro-judging': () => import('./micro/judging.ts'),
  'micro-counters': () => import('./micro/counters.ts'),
  'micro-parking': () => import('./micro/parking.ts'),
  'micro-growth': () => import('./micro/growth.ts'),
  'micro-tokens': () => import('./micro/tokens.ts'),
  'micro-applying': () => import('./micro/applying.ts'),
  start: () => import('./peers/start.ts'),
  workers: () => import('./peers/workers.ts'),
  lines: () => import('./peers/lines.ts'),
  'line-length': () => import('./peers/line-length.ts'),
  server: () => import('./peers/server.ts'),
  peers: () => import('./peers/peers.ts'),
  once: () => import('./peers/once.ts'),
  security: () => import('./peers/security.ts'),
  latency: () => import('./peers/latency.ts'),
  journal: () => import('./journal/journal.ts'),
  recovery: () => import('./journal/recovery.ts'),
  cluster: () => import('./cluster/cluster.ts'),
  users: () => import('./peers/users.ts'),
  growing: () => import('./peers/growing.ts'),
  connections: () => import('./peers/connections.ts'),
  floods: () => import('./peers/floods.ts'),
  client: () => import('./peers/client.ts'),
  pains: () => import('./pains.ts'),
  lessons: () => import('./lessons.ts'),
  where: () => import('./peers/where.ts'),
  against: () => import('./peers/against.ts'),
  soak: () => import('./soak.ts'),
};

/** Run only if named: one needs another build, one takes an hour. */
const NAMED_ONLY = ['against', 'soak'];

/** Names for groups of benches. */
export const GROUPS: Record<string, string[]> = {
  micro: Object.keys(BENCHES).filter(name => name.startsWith('micro-')),
};

/**
 * The benches asked for, each once; all but those that must be named if none is. An unknown name is returned as `unknown`.
 */
export function chosenBenches(asked: readonly string[]): { names: string[]; unknown: string | undefined } {
  const isKnown = (name: string) => Object.hasOwn(GROUPS, name) || Object.hasOwn(BENCHES, name);
  const unknown = asked.find(name => !isKnown(name));
  if (unknown !== undefined) return { names: [], unknown };
  if (asked.length === 0)
    return { names: Object.keys(BENCHES).filter(name => !NAMED_ONLY.includes(name)), unknown };
  const names = asked.flatMap(name => (Object.hasOwn(GROUPS, name) ? GROUPS[name]! : [name]));
  return { names: [...new Set(names)], unknown };
}
