/** The scenarios by name, and by group. Each group's file is loaded when it is asked for. */
import type { Scenario } from './scenario.ts';

const GROUPS: Record<string, () => Promise<{ scenarios: readonly Scenario[] }>> = {
  'lost-update': () => import('./scenarios/lost-update.ts'),
  lock: () => import('./scenarios/lock.ts'),
  queue: () => import('./scenarios/queue.ts'),
  ring: () => import('./scenarios/ring.ts'),
  parking: () => import('./scenarios/parking.ts'),
  counters: () => import('./scenarios/counters.ts'),
  'worker-death': () => import('./scenarios/worker-death.ts'),
  ids: () => import('./scenarios/ids.ts'),
  transfer: () => import('./scenarios/transfer.ts'),
  journal: () => import('./scenarios/journal.ts'),
};

export const GROUP_NAMES = Object.keys(GROUPS);

export async function scenariosOf(group: string): Promise<readonly Scenario[]> {
  return (await GROUPS[group]?.())?.scenarios ?? [];
}

/** By its own name, which begins with that of its group. */
export async function scenarioOf(name: string): Promise<Scenario> {
  for (const group of GROUP_NAMES) {
    if (name !== group && !name.startsWith(`${group}-`)) continue;
    const found = (await scenariosOf(group)).find(scenario => scenario.name === name);
    if (found !== undefined) return found;
  }
  throw new UnknownScenarioError(name);
}

export class UnknownScenarioError extends Error {}
