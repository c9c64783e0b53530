/**
 * What no test of the suite runs, and why that is right. `npm run coverage` fails if something else is not run, and
 * if something of this is run after all, or is no longer there.
 */
export interface Gap {
  file: string;
  /** The text of the line. */
  text: string;
  /** The way of a branch, as parts.ts names it; empty for a statement. */
  way: string;
  why: string;
  /** Whether it runs is a matter of luck: then it is no mistake if it did. */
  isSometimesRun?: true;
}

export const GAPS: Gap[] = [
  {
    file: 'src/cli/main.ts',
    text: "case 'tags':",
    way: 'case',
    why: 'tags are cut in copies of the repository only, which count as other files',
  },
  {
    file: 'src/cli/main.ts',
    text: "return (await import('../steps/kit/tags.ts')).tagsCommand(rest);",
    way: '',
    why: 'as above',
  },
  {
    file: 'src/cli/main.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of source
    text: 'else fail(Exit.notStarted, `could not start: ${error instanceof Error ? error.message : String(error)}`);',
    way: ':',
    why: 'nothing that we call throws what is no Error; it is here for what others throw some day',
  },
  {
    file: 'src/config/settings.ts',
    text: 'return message;',
    way: '',
    why: 'parseArgs has three errors, and all have a text of ours; a later Node may have a fourth',
  },
  {
    file: 'src/config/settings.ts',
    text: "if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')",
    way: 'no else',
    why: 'as above: there is no fourth error',
  },
  {
    file: 'src/engine/workers.ts',
    text: 'reason = error instanceof Error ? error.message : String(error);',
    way: ':',
    why: 'a worker throws Errors only; a thread may throw anything',
  },
  {
    file: 'src/threads/thread.ts',
    text: "const stripsTypes = 'typescript' in process.features && process.features.typescript !== false;",
    way: '&&',
    why: 'Node 20 does not strip types, and has no such feature to ask for; on a Node that has, it is run',
    isSometimesRun: true,
  },
  {
    file: 'src/net/listener.ts',
    text: "resolve(typeof address === 'object' && address !== null ? address.port : port);",
    way: ':',
    why: 'the address of a TCP server is an object; the type says that of a pipe is a string',
  },
  {
    file: 'src/session/session.ts',
    text: 'if (this.#isPaused && !this.#isSkipping) this.#service.partialLines.restart(this);',
    way: 'then',
    why: 'the time of a line runs out in the very turn that its connection waits for',
    isSometimesRun: true,
  },
  {
    file: 'src/session/session.ts',
    text: 'if (this.#isPaused && !this.#isSkipping) this.#service.partialLines.restart(this);',
    way: '&&',
    why: 'the time of a line runs out in the very turn that its connection waits for',
    isSometimesRun: true,
  },
  {
    file: 'src/session/session.ts',
    text: 'if (this.#isPaused && !this.#isSkipping) this.#service.partialLines.restart(this);',
    way: '',
    why: 'as above: the second statement of the line',
    isSometimesRun: true,
  },
  {
    file: 'src/session/session.ts',
    text: "if (this.#isClosed || this.#service.phase === 'ending') return;",
    way: 'then',
    why: 'the last stage of the shutdown begins while a connection waits for its turn, and has not ended it yet',
    isSometimesRun: true,
  },
  {
    file: 'src/session/session.ts',
    text: "if (this.#isClosed || this.#service.phase === 'ending') return;",
    way: '',
    why: 'the last stage of the shutdown begins while a connection waits for its turn, and has not ended it yet',
    isSometimesRun: true,
  },
  {
    file: 'src/net/listener.ts',
    text: 'if (this.#isClosing) this.#server.close();',
    way: 'then',
    why: 'older versions of Node 20 listen though they were closed while the address was looked up; the last do not',
    isSometimesRun: true,
  },
  {
    file: 'src/net/listener.ts',
    text: 'if (this.#isClosing) this.#server.close();',
    way: '',
    why: 'older versions of Node 20 listen though they were closed while the address was looked up; the last do not',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    text: 'if (isEnding) socket.destroy();',
    way: 'then',
    why: 'a connection was accepted in the very turn in which the thread was told to end',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    text: 'if (isEnding) socket.destroy();',
    way: '',
    why: 'a connection was accepted in the very turn in which the thread was told to end',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    text: 'if (isEnding) return void server.close();',
    way: 'then',
    why: 'the server is stopped before the thread listens: some milliseconds of its start',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    text: 'if (isEnding) return void server.close();',
    way: '',
    why: 'the server is stopped before the thread listens: some milliseconds of its start',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    text: 'if (socket.destroyed) return false;',
    way: 'then',
    why: 'where node:http has no such parser as in Node 20, it hands over the rest of a chunk',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    text: 'if (socket.destroyed) return false;',
    way: '',
    why: 'where node:http has no such parser as in Node 20, it hands over the rest of a chunk',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    text: 'if (socket.parser) socket.parser.onIncoming = () => PARSE_NO_FURTHER;',
    way: 'no else',
    why: 'as above',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    text: 'if (thread === undefined) return;',
    way: 'then',
    why: 'the server is stopped in the half second after a death of the thread',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    text: 'if (thread === undefined) return;',
    way: '',
    why: 'the server is stopped in the half second after a death of the thread',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    text: 'if (!this.#isEnded) thread.unref();',
    way: 'no else',
    why: 'the server is stopped before the thread listens: some milliseconds of its start',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    text: 'if (this.#thread === undefined && !this.#isEnded) this.#died(String(error));',
    way: 'then',
    why: 'only where the system gives no more threads',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    text: 'if (this.#thread === undefined && !this.#isEnded) this.#died(String(error));',
    way: '',
    why: 'only where the system gives no more threads',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    text: 'if (this.#thread === undefined && !this.#isEnded) this.#died(String(error));',
    way: '&&',
    why: 'only where the system gives no more threads',
    isSometimesRun: true,
  },
  {
    file: 'src/engine/workers.ts',
    text: 'this.#replace(worker, String(error));',
    way: '',
    why: 'only where the system gives no more threads',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    text: 'setTimeout(() => thread.unref(), END_MS_MAX).unref();',
    way: '=>',
    why: 'no thread is known that is told to end and does not',
  },
];
