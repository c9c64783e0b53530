/**
 * Reads the configuration of a server.
 */
import { checkRelations } from './check.ts';
import { descriptorsKept } from './descriptors.ts';
import { type Machine, THIS_MACHINE, usersFor } from './machine.ts';
import { KEYS, SETTINGS, type Settings } from './settings.ts';
import { readSources } from './sources.ts';

/** Throws a `ConfigError` that says what is wrong and what would be right. */
export function readSettings(
  args: string[],
  env: NodeJS.ProcessEnv,
  machine: Machine = THIS_MACHINE,
): Settings {
  const given = readSources(args, env);
  const values = KEYS.map(key => [key, given.get(key)?.value ?? SETTINGS[key].default]);
  const settings = Object.fromEntries(values) as Settings;
  const kept = descriptorsKept(settings.workers, settings.http >= 0, settings.data !== '');
  // Defaults give way to the machine; what was given does not.
  if (!given.has('connectionsMax'))
    settings.connectionsMax = Math.max(1, Math.min(settings.connectionsMax, machine.descriptors - kept));
  if (!given.has('users')) settings.users = Math.min(settings.users, usersFor(machine, settings.workers));
  checkRelations(settings, key => given.get(key)?.name, { kept, max: machine.descriptors });
  return settings;
}
