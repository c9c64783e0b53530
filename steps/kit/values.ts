/** What flags of servers may be: a whole number in a range, or one of a few words. */
import { listed } from '../../src/cli/terminal/prose.ts';

/** The allowed values of a flag; a flag without one is a switch. */
export interface Value {
  wanted: string;
  /** The same in short. */
  values: string;
  isRight: (text: string) => boolean;
}

export function whole(min: number, max: number): Value {
  return {
    wanted: `a whole number from ${min} to ${max}`,
    values: `${min} to ${max}`,
    isRight: text => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max,
  };
}

export function choice(...choices: string[]): Value {
  return {
    wanted: listed(choices, 'or'),
    values: choices.join(', '),
    isRight: text => choices.includes(text),
  };
}

/** Whatever is not empty: a folder, an address. */
export function text(wanted: string): Value {
  return { wanted, values: wanted, isRight: text => text !== '' };
}
