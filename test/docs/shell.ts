/**
 * Enough of a shell's grammar to say which programs a text calls, with which arguments: quotes, comments, operators,
 * redirections, here-documents, loops, functions, `$(…)`. Nothing is expanded. Whether the text is right is for
 * `bash -n` to say.
 */

export interface Call {
  /** The program and its arguments. */
  words: string[];
  /** `NAME=value` in front of it. */
  variables: string[];
}

const OPENERS = ['then', 'do', 'else', 'elif', 'if', 'while', 'until', '!', '{', 'time'];
const CLOSERS = ['fi', 'done', 'esac', '}'];

/** Every call in the text, in order, but those of functions that it defines itself. */
export function callsIn(text: string): Call[] {
  const reader = new Reader(text);
  const calls = reader.read();
  return calls.filter(({ words }) => !reader.functions.has(words[0]!));
}

class Reader {
  readonly functions = new Set<string>();
  readonly #text: string;
  #at = 0;
  #words: string[] = [];
  #calls: Call[] = [];
  /** The next word is where a redirection goes. */
  #isTarget = false;
  /** Ends of the here-documents that begin below this line. */
  #endings: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  read(): Call[] {
    while (this.#at < this.#text.length) this.#step();
    this.#endCall();
    return this.#calls;
  }

  #step(): void {
    const rest = this.#text.slice(this.#at);
    const [char = ''] = rest;
    if (char === '\n') {
      this.#endCall();
      this.#at += 1;
      this.#skipDocuments();
    } else if (/^\s|^\\\n/.test(rest)) this.#at += char === '\\' ? 2 : 1;
    else if (char === '#') this.#at += rest.search(/\n|$/);
    else if (this.#redirection(rest)) return;
    else if (char === '(' && this.#words.length === 1 && /^\(\s*\)/.test(rest)) {
      this.functions.add(this.#words.pop()!);
      this.#at += rest.indexOf(')') + 1;
    } else if (/[;&|()]/.test(char)) {
      this.#endCall();
      this.#at += 1;
    } else this.#addWord(this.#word());
  }

  #redirection(rest: string): boolean {
    const [found, document] = /^\d*(?:(<<-?)(?!<)|<<<|[<>]&(?=[\d-])|&>>?|>>|<>|>\||[<>])/.exec(rest) ?? [];
    if (found === undefined) return false;
    this.#at += found.length;
    if (document !== undefined) {
      this.#at += /^\s*/.exec(this.#text.slice(this.#at))![0].length;
      this.#endings.push(this.#word());
    } else this.#isTarget = true;
    return true;
  }

  #addWord(word: string): void {
    if (this.#isTarget) this.#isTarget = false;
    else this.#words.push(word);
  }

  /** Up to where it ends, without its quotes. */
  #word(): string {
    let word = '';
    while (this.#at < this.#text.length) {
      const rest = this.#text.slice(this.#at);
      const [char = ''] = rest;
      if (/[\s;&|()<>]/.test(char)) break;
      const quoted = /^'([^']*)'/.exec(rest);
      if (quoted !== null) {
        word += quoted[1]!;
        this.#at += quoted[0].length;
      } else if (char === '"') word += this.#doubleQuoted();
      else if (rest.startsWith('$(')) word += this.#substitution();
      else if (char === '\\') {
        word += rest[1] === '\n' ? '' : (rest[1] ?? '');
        this.#at += 2;
      } else {
        word += char;
        this.#at += 1;
      }
    }
    return word;
  }

  /** Without its quotes. What it calls in `$(…)` is called as well. */
  #doubleQuoted(): string {
    let word = '';
    this.#at += 1;
    while (this.#at < this.#text.length && this.#text[this.#at] !== '"') {
      const rest = this.#text.slice(this.#at);
      const escaped = /^\\([\\"$`])/.exec(rest)?.[1];
      if (rest.startsWith('$(')) word += this.#substitution();
      else {
        word += escaped ?? rest[0]!;
        this.#at += escaped === undefined ? 1 : 2;
      }
    }
    this.#at += 1;
    return word;
  }

  #substitution(): string {
    const inside = insideOf(this.#text.slice(this.#at + 1));
    // `$((1 + 2))` calls nothing.
    if (!inside.startsWith('(')) this.#calls.push(...callsIn(inside));
    this.#at += inside.length + 3;
    return `$(${inside})`;
  }

  #endCall(): void {
    const words = this.#words;
    this.#words = [];
    this.#isTarget = false;
    while (words.length > 0 && OPENERS.includes(words[0]!)) words.shift();
    // `for NAME in …` calls nothing.
    if (words.length === 0 || words[0] === 'for' || CLOSERS.includes(words[0]!)) return;
    const named = words.findIndex(word => !/^\w+=/.test(word));
    if (named === -1) return;
    this.#calls.push({ words: words.slice(named), variables: words.slice(0, named) });
  }

  #skipDocuments(): void {
    for (const ending of this.#endings.splice(0)) {
      const lines = this.#text.slice(this.#at).split('\n');
      const last = lines.findIndex(line => line.trim() === ending);
      this.#at += lines.slice(0, last === -1 ? lines.length : last + 1).join('\n').length + 1;
    }
  }
}

/** What stands between the bracket that a text begins with and its partner. */
function insideOf(text: string): string {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "'") at = Math.max(at, text.indexOf("'", at + 1));
    else if (text[at] === '(') depth += 1;
    else if (text[at] === ')') depth -= 1;
    if (depth === 0) return text.slice(1, at);
  }
  return text.slice(1);
}
