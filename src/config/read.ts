/**
 * Reads the configuration of a server.
 */
import { checkRelations } from './check.ts';
import { descriptorLimit, descriptorsKept } from './descriptors.ts';
import { KEYS, SETTINGS, type Settings } from './settings.ts';
import { readSources } from './sources.ts';

/** Throws a `ConfigError` that says what is wrong and what would be right. */
export function readSettings(
  args: string[],
  env: NodeJS.ProcessEnv,
  descriptorsMax = descriptorLimit(),
): Settings {
  const given = readSources(args, env);
  const values = KEYS.map(key => [key, given.get(key)?.value ?? SETTINGS[key].default]);
  const settings = Object.fromEntries(values) as Settings;
  const room = descriptorsMax - descriptorsKept(settings.workers, settings.http >= 0);
  if (!given.has('connectionsMax'))
    settings.connectionsMax = Math.max(1, Math.min(settings.connectionsMax, room));
  checkRelations(settings, key => given.get(key)?.name, room);
  return settings;
}
