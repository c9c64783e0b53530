/** Hints for differences that show by themselves what is wrong, in any case. */
import type { Failure } from './failure.ts';

export function hintOf({ expected, received, at, hint }: Failure, ofCase: string): string {
  if (hint !== undefined) return hint;
  if (expected === undefined || received === undefined || at === undefined) return ofCase;
  const [wanted, came] = [expected.trimEnd(), received.trimEnd()];
  if (received === expected.slice(0, -1)) return 'Every reply is a line: it ends with \\n.';
  if (received === `${wanted}\r\n`) return 'A reply ends with \\n alone, without \\r.';
  if (came.replace(/\s/g, '') === wanted.replace(/\s/g, ''))
    return 'Replies are exact bytes: no spaces, neither after a colon nor after a comma.';
  if (sortedBytes(came) === sortedBytes(wanted) && came.startsWith('{') && came.endsWith('}'))
    return 'The keys of a reply have an order: status first, as the contract writes it.';
  return ofCase;
}

function sortedBytes(text: string): string {
  return [...text.replace(/\s/g, '')].sort().join('');
}
