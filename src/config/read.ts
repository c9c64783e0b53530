/**
 * Reads the configuration of a server: from flags, variables, a file of settings, and the machine.
 */
import { checkRelations } from './check.ts';
import { descriptorsKept } from './descriptors.ts';
import { type Machine, THIS_MACHINE, usersFor } from './machine.ts';
import { KEYS, SETTINGS, type Settings } from './settings.ts';
import { type FileValues, type Given, readSources } from './sources.ts';

/** The settings that hold, and those of them that were given. */
export interface Loaded {
  settings: Settings;
  given: ReadonlyMap<keyof Settings, Given>;
}

/**
 * With the file that `--config` or its variable names, if one does; without, nothing more is loaded. Throws a
 * `ConfigError` that says in one line what is wrong and what would be right.
 */
export async function loadSettings(
  args: string[],
  env: NodeJS.ProcessEnv,
  machine: Machine = THIS_MACHINE,
): Promise<Loaded> {
  const config = readSources(args, env).get('config');
  if (config === undefined) return settle(readSources(args, env), machine);
  const { readSettingsFile } = await import('./file.ts');
  const file = await readSettingsFile(String(config.value), config.name);
  return settle(readSources(args, env, file), machine);
}

/** The file must have been read already. Throws a `ConfigError`. */
export function readSettings(
  args: string[],
  env: NodeJS.ProcessEnv,
  machine: Machine = THIS_MACHINE,
  file?: FileValues,
): Settings {
  return settle(readSources(args, env, file), machine).settings;
}

function settle(given: ReadonlyMap<keyof Settings, Given>, machine: Machine): Loaded {
  const values = KEYS.map(key => [key, given.get(key)?.value ?? SETTINGS[key].default]);
  const settings = Object.fromEntries(values) as Settings;
  const kept = descriptorsKept(settings.workers, settings.http >= 0, settings.data !== '');
  // Defaults give way to the machine; what was given does not.
  if (!given.has('connectionsMax'))
    settings.connectionsMax = Math.max(1, Math.min(settings.connectionsMax, machine.descriptors - kept));
  if (!given.has('users')) settings.users = Math.min(settings.users, usersFor(machine, settings.workers));
  checkRelations(settings, given, { kept, max: machine.descriptors });
  return { settings, given };
}
