/**
 * Cuts a text that is valid TOML into its statements: a key with its value, or the head of a table. A statement ends
 * with its line, but for line ends in brackets and in texts of several lines.
 */

export interface Statement {
  /** In which it begins, from 1. */
  line: number;
  /** Without blanks in front, and with its last line to the end, where a comment may be. */
  text: string;
}

/** Of a text that is no TOML, the pieces mean nothing; but they are all of it. */
export function* statementsIn(text: string): Generator<Statement> {
  let line = 1;
  for (let at = 0; at < text.length; ) {
    const end = endOf(text, at) + 1;
    const lines = text.slice(at, end);
    const statement = lines.trimStart();
    if (statement !== '' && !statement.startsWith('#')) yield { line, text: statement };
    line += lines.split('\n').length - 1;
    at = end;
  }
}

/** The place of the line end behind the statement that begins here, or of the end of the text. */
function endOf(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; ) {
    const character = text[at]!;
    if (character === '\n' && depth <= 0) return at;
    if (character === '"' || character === "'") at = behindString(text, at, character);
    else if (character === '#') at = lineEnd(text, at);
    else {
      if (character === '[' || character === '{') depth += 1;
      if (character === ']' || character === '}') depth -= 1;
      at += 1;
    }
  }
  return text.length;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end;
}

/** `quote` stands at `start`, once or three times. */
function behindString(text: string, start: number, quote: string): number {
  const isLong = text.startsWith(quote.repeat(3), start);
  const end = isLong ? quote.repeat(3) : quote;
  for (let at = start + end.length; at < text.length; at += 1) {
    if (quote === '"' && text[at] === '\\') at += 1;
    else if (text.startsWith(end, at)) {
      at += end.length;
      // The text itself may end with one or two quotes.
      for (let more = 0; isLong && more < 2 && text[at] === quote; more += 1) at += 1;
      return at;
    }
  }
  return text.length;
}
