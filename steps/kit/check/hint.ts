/** Hints for differences that show by themselves what is wrong, in any case. */
import type { Failure } from './failure.ts';

export function hintOf({ expected, received, at, hint }: Failure, ofCase: string): string {
  if (hint !== undefined) return hint;
  if (expected === undefined || received === undefined || at === undefined) return ofCase;
  const [wanted, came] = [expected.trimEnd(), received.trimEnd()];
  if (received === expected.slice(0, -1)) return 'Every reply is a line: it ends with \\n.';
  if (received === `${wanted}\r\n`) return 'A reply ends with \\n alone, without \\r.';
  const [wantedFields, cameFields] = [fieldsIn(wanted), fieldsIn(came)];
  if (wantedFields === undefined || cameFields === undefined) return ofCase;
  if (wantedFields.join() === cameFields.join())
    return 'Replies are exact bytes: no spaces, neither after a colon nor after a comma.';
  if (wantedFields.sort().join() === cameFields.sort().join())
    return `The fields of a reply have an order, as the contract writes it: ${wanted}`;
  return ofCase;
}

/** The fields of a JSON object in their order, each as text; undefined if it is none. */
function fieldsIn(text: string): string[] | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return Object.entries(JSON.parse(text)).map(field => JSON.stringify(field));
  } catch {
    return undefined;
  }
}
