/** All engines of lessons: which are here, how the others are installed, and starting some of them. */
import { listed } from '../../../src/cli/terminal/prose.ts';
import { ServerError } from '../../../src/tools/harness/server.ts';
import type { Engine, EngineKind, EngineName } from './engine.ts';
import { NATS } from './nats.ts';
import { POSTGRES } from './postgres.ts';
import { REDIS } from './redis.ts';

export const ENGINES: Readonly<Record<EngineName, EngineKind>> = {
  redis: REDIS,
  postgres: POSTGRES,
  nats: NATS,
};

/** The setting in which a server gets the address of an engine or a companion: a flag, a variable and a placeholder. */
export function settingOf(name: string): string {
  return `${name}-url`;
}

/** What is missing of these, and what installs it; undefined if all are here. */
export function whatIsMissing(names: readonly EngineName[]): string | undefined {
  const missing = names.map(name => ENGINES[name]).filter(kind => !kind.isHere());
  if (missing.length === 0) return undefined;
  const titles = listed(missing.map(({ title }) => title));
  return (
    `${titles} ${missing.length === 1 ? 'is' : 'are'} not installed here: ` +
    `apt-get install ${missing.map(({ debian }) => debian).join(' ')}, ` +
    `or brew install ${missing.map(({ brew }) => brew).join(' ')}`
  );
}

/** Starts them. Throws `ServerError` if one is missing or does not start; then none is left. */
export async function startEngines(names: readonly EngineName[]): Promise<Engine[]> {
  const missing = whatIsMissing(names);
  if (missing !== undefined) throw new ServerError(missing);
  const started = await Promise.allSettled(names.map(name => ENGINES[name].start()));
  const engines = started.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = started.find(result => result.status === 'rejected');
  if (failed === undefined) return engines;
  await stopEngines(engines);
  throw failed.reason;
}

export async function stopEngines(engines: readonly Engine[]): Promise<void> {
  await Promise.all(engines.map(engine => engine.stop()));
}
