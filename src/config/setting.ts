/**
 * What a setting can be, and how the table of settings is written.
 */

export type Value =
  | { is: 'integer'; default: number; min: number; max: number; help: string }
  | { is: 'choice'; default: string; choices: readonly string[]; help: string }
  | { is: 'text'; default: string; form: string; example?: string; help: string }
  | { is: 'switch'; default: boolean; help: string };

/** `mayChange`: whether it may change while the server runs. */
export type Setting = Value & { group: string; mayChange: boolean };

export const integer = (def: number, min: number, max: number, help: string): Value => ({
  is: 'integer',
  default: def,
  min,
  max,
  help,
});
export const choice = (def: string, choices: readonly string[], help: string): Value => ({
  is: 'choice',
  default: def,
  choices,
  help,
});

export const text = (def: string, form: string, help: string, example?: string): Value => ({
  is: 'text',
  default: def,
  form,
  ...(example !== undefined && { example }),
  help,
});

export const fixed = <Key extends string>(group: string, values: Record<Key, Value>) =>
  table(group, false, values);
export const changeable = <Key extends string>(group: string, values: Record<Key, Value>) =>
  table(group, true, values);

function table<Key extends string>(group: string, mayChange: boolean, values: Record<Key, Value>) {
  const rows = Object.entries<Value>(values).map(([key, value]) => [key, { ...value, group, mayChange }]);
  return Object.fromEntries(rows) as Record<Key, Setting>;
}
