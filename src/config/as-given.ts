/** Mistakes that are found after the settings were read, such as a file that is not there, in the words of who gave them. */
import { ConfigError } from './config-error.ts';
import { flagOf, KEYS, type Settings } from './settings.ts';
import type { Given } from './sources.ts';

/**
 * A `ConfigError` that begins with the flag of a setting begins with the name under which it was given instead, and with
 * its place in a file: `tally.toml:3: tokens nope: …`. Anything else is returned as it is.
 */
export function asGiven(error: unknown, given: ReadonlyMap<keyof Settings, Given>): unknown {
  if (!(error instanceof ConfigError)) return error;
  const [flag = ''] = error.message.split(' ', 1);
  const key = KEYS.find(each => flagOf(each) === flag);
  const found = key && given.get(key);
  if (found === undefined) return error;
  const place = found.place === undefined ? '' : `${found.place}: `;
  return new ConfigError(`${place}${found.name}${error.message.slice(flag.length)}`);
}
