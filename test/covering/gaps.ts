/**
 * What no test of the suite runs, and why that is right. `npm run coverage` fails if something else is not run, and
 * if something of this is run after all, or is no longer there.
 */
export interface Gap {
  file: string;
  /** Each as the command prints it: the text of the line, and of a branch, in brackets, which way of it. */
  parts: string[];
  why: string;
  /** Whether it runs is a matter of luck: then it is no mistake if it did. */
  isSometimesRun?: true;
}

export const GAPS: Gap[] = [
  {
    file: 'src/cli/main.ts',
    parts: ["return (await import('../../steps/kit/tags.ts')).tagsCommand(rest);"],
    why: 'tags are cut in copies of the repository only, which count as other files',
  },
  {
    file: 'src/cli/version.ts',
    parts: [
      "const up = import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json'; (?)",
    ],
    why: 'what is counted is compiled; test/wire/clients.test.ts runs the sources',
  },
  {
    file: 'src/cli/main.ts',
    parts: [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of source
      'fail(NOT_STARTED, `could not start: ${error instanceof Error ? error.message : String(error)}`), (:)',
    ],
    why: 'nothing that we call throws what is no Error; it is here for what others throw some day',
  },
  {
    file: 'src/config/sources.ts',
    parts: ['return message;', "if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') (no else)"],
    why: 'parseArgs has three errors, and all have a text of ours; a later Node may have a fourth',
  },
  {
    file: 'src/threads/supervisor.ts',
    parts: ['this.reason = error instanceof Error ? error.message : String(error); (:)'],
    why: 'our threads throw Errors only; a thread may throw anything',
  },
  {
    file: 'src/threads/supervisor.ts',
    parts: ['this.#died(String(error));'],
    why: 'only where the system gives no more threads',
    isSometimesRun: true,
  },
  {
    file: 'src/engine/workers.ts',
    parts: ['#onChange: () => void = () => {};'],
    why: 'stands in until it is replaced, which is before it can be called',
  },
  {
    file: 'src/http/server.ts',
    parts: ['if (isEnding) socket.destroy();'],
    why: 'a connection was accepted in the very turn in which the thread was told to end',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    parts: ['if (isEnding) return void server.close();'],
    why: 'the server is stopped before the thread listens: some milliseconds of its start',
    isSometimesRun: true,
  },
  {
    file: 'src/http/server.ts',
    parts: [
      'if (socket.destroyed) return false;',
      'if (socket.parser) socket.parser.onIncoming = () => PARSE_NO_FURTHER; (no else)',
    ],
    why: 'where node:http has no such parser as in Node 20, it hands over the rest of a chunk',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    parts: ['if (thread === undefined) return;'],
    why: 'the server is stopped in the half second after a death of the thread',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    parts: ['if (!isEnding) thread.unref(); (no else)'],
    why: 'the server is stopped before the thread listens: some milliseconds of its start',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    parts: ['setTimeout(() => thread.unref(), END_MS_MAX).unref();'],
    why: 'no thread is known that is told to end and does not',
    isSometimesRun: true,
  },
  {
    file: 'src/http/thread.ts',
    parts: [
      '#onListening: (port: number) => void = () => {};',
      '#onFailed: (error: Error) => void = () => {};',
    ],
    why: 'stand in until they are replaced, which is before they can be called',
  },
  {
    file: 'src/net/plain-transport.ts',
    parts: ['#destroyNow: () => void = () => {};'],
    why: 'as above',
  },
  {
    file: 'src/net/plain-transport.ts',
    parts: ['if (socket._handle !== handle) return undefined;'],
    why: 'for a Node that does not take the handle over; then it is read in the documented way, which is tested',
    isSometimesRun: true,
  },
  {
    file: 'src/net/listener.ts',
    parts: ["resolve(typeof address === 'object' && address !== null ? address.port : port); (:)"],
    why: 'the address of a TCP server is an object; the type says that of a pipe is a string',
  },
  {
    file: 'src/net/listener.ts',
    parts: ['if (this.#isClosing) this.#server.close();'],
    why: 'older versions of Node 20 listen though they were closed while the address was looked up; the last do not',
    isSometimesRun: true,
  },
  {
    file: 'src/session/session.ts',
    parts: ['if (!this.#isLive) return;'],
    why: 'the last stage of the shutdown begins while a connection waits for its turn, and has not ended it yet',
    isSometimesRun: true,
  },
  {
    file: 'src/threads/thread.ts',
    parts: [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of source
      "const file = new URL(`${module.href}${isSource ? '.ts' : '.js'}`); (?)",
      'if (!isSource || stripsTypes) return new Worker(file, options); (no else)',
      'if (!isSource || stripsTypes) return new Worker(file, options); (operand 2)',
      "const loader = import.meta.resolve('tsx/esm/api');",
      'const [first, then] = [loader, file.href].map(each => JSON.stringify(each));',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of source
      'const start = `import(${first}).then(tsx => { tsx.register(); return import(${then}); })`;',
      'return new Worker(start, { ...options, eval: true });',
    ],
    why: 'what is counted is compiled; the suite runs the sources when it is not counted, and threads of them',
  },
  {
    file: 'src/threads/thread.ts',
    parts: [
      "const stripsTypes = 'typescript' in process.features && process.features.typescript !== false; (operand 2)",
    ],
    why: 'Node 20 does not strip types, and has no such feature to ask for; on a Node that has, it is run',
    isSometimesRun: true,
  },
];
