/** One thread of the bench of tokens: one way to look a token up, and how long it takes to refuse wrong ones. */
import { newToken } from '../../src/security/token.ts';
import { type TimesByShared, timesByShared } from './prefixes.ts';
import { answerWith } from './thread.ts';
import { bookWith, loopThatStops } from './token-ways.ts';

export type Way = 'server' | 'loop';

export interface TokensWork {
  way: Way;
  /** In the file. */
  entries: number;
  rounds: number;
}

function run({ way, entries, rounds }: TokensWork): TimesByShared {
  const right = newToken();
  return timesByShared(way === 'server' ? bookWith(right, entries) : loopThatStops(right), right, rounds);
}

await answerWith(run);
