/**
 * A key that stands twice in one object of JSON. `JSON.parse` takes the last of the two, others the first: whoever
 * checks a text and whoever uses it may then read two different things.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const SPACE_MAX = 0x20;

/** The first such key, at any depth; undefined if there is none. The text must be one that `JSON.parse` accepts. */
export function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === OPEN) open.push(new Set());
    else if (code === CLOSE) open.pop();
    else if (code === QUOTE) {
      const end = stringEnd(json, at);
      if (isFollowedByColon(json, end)) {
        // Escapes are other ways to write the same key.
        const key = JSON.parse(json.slice(at, end)) as string;
        const keys = open.at(-1)!;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** Behind the closing quote of the string that begins at `at`. */
function stringEnd(json: string, at: number): number {
  let end = at + 1;
  for (let code = json.charCodeAt(end); code !== QUOTE; code = json.charCodeAt(end))
    end += code === BACKSLASH ? 2 : 1;
  return end + 1;
}

function isFollowedByColon(json: string, from: number): boolean {
  let at = from;
  while (json.charCodeAt(at) <= SPACE_MAX) at += 1;
  return json.charCodeAt(at) === COLON;
}
