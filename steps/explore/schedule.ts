/**
 * The id of a schedule: the name of its scenario, a colon, and who does the next step: `lost-update:abba`. A number behind
 * a letter says how often; a capital one what becomes of the thread instead: T its wait runs out, W it wakes for
 * nothing, K it dies.
 */
import type { Choice, Variant } from './operations.ts';

const LETTERS: Partial<Record<Variant, string>> = { run: '', timeOut: 'T', wakeForNothing: 'W', die: 'K' };
const FIRST = 'a'.charCodeAt(0);
const STEPS_MAX = 5_000;

export function idOf(scenario: string, choices: readonly Choice[]): string {
  let text = '';
  for (let at = 0; at < choices.length; ) {
    const { thread, variant } = choices[at]!;
    let end = at + 1;
    while (choices[end]?.thread === thread && choices[end]?.variant === variant) end += 1;
    const one = String.fromCharCode(FIRST + thread) + LETTERS[variant];
    text += end - at < 3 ? one.repeat(end - at) : one + (end - at);
    at = end;
  }
  return `${scenario}:${text}`;
}

/** Undefined if it is no id. */
export function readId(id: string): { scenario: string; choices: Choice[] } | undefined {
  const match = /^([\w-]+):((?:[a-d][TWK]?\d{0,4})*)$/.exec(id);
  if (match === null) return undefined;
  const choices: Choice[] = [];
  for (const [, letter, kind, count] of match[2]!.matchAll(/([a-d])([TWK]?)(\d*)/g)) {
    const variant = Object.keys(LETTERS).find(name => LETTERS[name as Variant] === kind) as Variant;
    for (let left = count === '' ? 1 : Number(count); left > 0; left--)
      choices.push({ thread: letter!.charCodeAt(0) - FIRST, variant });
  }
  return choices.length <= STEPS_MAX ? { scenario: match[1]!, choices } : undefined;
}
