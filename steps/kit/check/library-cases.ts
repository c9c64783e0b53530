/**
 * Corners of JSON in which the usual libraries of languages differ: serde_json, encoding/json, Python's json and
 * JSON.parse. The contract says what is right in each. A server may do there what its library does: that is told, and
 * counts as a mistake only if asked for (`--strict`). Any other reply, and none, is a mistake.
 */
import { ACCEPTED, error, ok, type Trial } from './case.ts';

interface Corner {
  name: string;
  /** What the libraries do. */
  note: string;
  lines: (user: string) => readonly string[];
  reply: string;
  /** What servers answer whose library decides it otherwise. */
  others: readonly string[];
}

const INVALID_JSON = error('invalid_json');
const INVALID_EVENT = error('invalid_event');
const TAKEN = [ACCEPTED, ok(1)];
const DEPTH = 3_000;
const DIGITS = 5_000;

const withAmount = (amount: string) => (user: string) => [
  `{"user":"${user}","action":"buy","amount":${amount}}`,
];

const REFUSED: readonly Corner[] = [
  {
    name: 'half a surrogate pair in a user: invalid_event',
    note: 'A lone "\\ud800" is JSON, and no name. serde_json calls it no JSON; encoding/json reads U+FFFD, which makes one user of two.',
    lines: user =>
      [`"${user}\\ud800"`, `"\\udc00${user}"`].map(name => `{"user":${name},"action":"buy","amount":1}`),
    reply: INVALID_EVENT,
    others: [INVALID_JSON, ...TAKEN],
  },
  {
    name: 'an amount that no double can hold: invalid_event',
    note: '1e400 is JSON, and no amount. serde_json calls it no JSON.',
    lines: withAmount('1e400'),
    reply: INVALID_EVENT,
    others: [INVALID_JSON],
  },
  {
    name: 'NaN and Infinity: invalid_json',
    note: "NaN and Infinity are no JSON. Python's json takes them; parse_constant can refuse them.",
    lines: user => [
      '{"amount":NaN}',
      '{"amount":Infinity}',
      '{"amount":-Infinity}',
      `{"user":"${user}","action":"buy","amount":1,"x":NaN}`,
    ],
    reply: INVALID_JSON,
    others: [INVALID_EVENT, ...TAKEN],
  },
  {
    name: 'a name of a field in other letters is another name: invalid_event',
    note: '"User" is not "user". encoding/json takes one for the other when it fills a struct; a map keeps them apart.',
    lines: user => [`{"User":"${user}","action":"buy","amount":1}`],
    reply: INVALID_EVENT,
    others: TAKEN,
  },
];

/** Unknown fields are ignored, whatever is in them. `taken` is the reply to an event of 1. */
const ignored = (wait: string, taken: string): readonly Corner[] => [
  {
    name: `an unknown field with a number of ${DIGITS} digits is ignored`,
    note: "JSON has no greatest number. serde_json and Python's json have, unless they skip the field or take it as text.",
    lines: user => [
      `{"user":"${user}","action":"buy","amount":1${wait},"x":${'9'.repeat(DIGITS)}}`,
      `{"user":"${user}b","action":"buy","amount":1${wait},"x":1e400}`,
    ],
    reply: taken,
    others: [INVALID_JSON, INVALID_EVENT],
  },
  {
    name: `an unknown field of ${DEPTH} lists, one in another, is ignored`,
    note: "JSON has no greatest depth. serde_json stops at 128, Python's json near 1,000, encoding/json at 10,000.",
    lines: user => [
      `{"user":"${user}","action":"buy","amount":1${wait},"x":${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}}`,
    ],
    reply: taken,
    others: [INVALID_JSON, INVALID_EVENT],
  },
];

/** Each line has a connection of its own, so that the transcript shows it alone. */
function trialOf({ name, note, lines, reply, others }: Corner): Trial {
  return {
    name: `your JSON library: ${name}`,
    hint: note,
    run: async ({ open, user, tell }) => {
      for (const line of lines(user)) {
        const talk = await open();
        await talk.send(`${line}\n`);
        const difference = await talk.preferably(reply, others);
        if (difference !== undefined) return tell(difference);
      }
    },
  };
}

/** Where events are accepted, or refused. */
export const LIBRARY_ACCEPTING: readonly Trial[] = [...REFUSED, ...ignored('', ACCEPTED)].map(trialOf);

/** Where they are applied before they are answered. */
export const LIBRARY_APPLYING: readonly Trial[] = [...REFUSED, ...ignored(',"wait":true', ok(1))].map(
  trialOf,
);
