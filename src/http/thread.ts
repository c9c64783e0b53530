/**
 * The socket thread's side of HTTP. What browsers, probes and scrapers send is read and answered by a thread of its
 * own, so that none of them, slow, many or malicious, takes a turn of the event loop from the clients of the events.
 * That thread asks this one for a snapshot when somebody looks, ten times a second at most; that is all it costs.
 *
 * It is never terminated. Node stops a thread by making its JavaScript fail wherever it is; if that is inside a callback
 * of node:http's parser, the whole process aborts (`v8::ToLocalChecked Empty MaybeLocal`), and so it does if the process
 * exits while the thread runs. So the thread is told to end, and the exit of the process waits until it has.
 *
 * If it dies (out of memory, a defect), the server goes on, and it is started again, on the port it had.
 */
import type { Worker } from 'node:worker_threads';
import type { Sampler } from '../engine/sampler.ts';
import type { Log } from '../log.ts';
import { ListenError, listenMistake } from '../net/listener.ts';
import { type RestartPolicy, Supervisor } from '../threads/supervisor.ts';
import { createThread } from '../threads/thread.ts';
import { LoopDelay } from './loop-delay.ts';
import {
  type FromHttpThread,
  HTTP_HOST,
  type HttpThreadStart,
  type ToHttpThread,
  takeSnapshot,
  type Watched,
} from './snapshot.ts';

const RESTART: RestartPolicy = { healthyMs: 500, firstMs: 500, maxMs: 30_000 };
/** It keeps a page and a snapshot; a client that makes it keep more ends it, and not the server. */
const HEAP_MB_MAX = 64;
/** One that has not ended by then never will, and the process does not wait for it: a defect. */
const END_MS_MAX = 1_500;

export class HttpThread {
  readonly #watched: Watched;
  readonly #version: string;
  readonly #sampler: Sampler;
  readonly #delay = new LoopDelay();
  readonly #supervisor: Supervisor;
  readonly #startedAtMs = Date.now();
  #isServing = false;
  #port = 0;
  #onListening: (port: number) => void = () => {};
  #onFailed: (error: Error) => void = () => {};

  /** Before the first event: from then on it is known which user is in which shard. */
  constructor(watched: Watched, log: Log, version: string) {
    this.#watched = watched;
    this.#version = version;
    this.#sampler = watched.engine.sampler();
    this.#supervisor = new Supervisor(RESTART, {
      endReason: 'it ended',
      create: () => this.#create(),
      onDeath: reason => {
        this.#onFailed(new Error(reason));
        log.warn('http_died', { reason }, `the HTTP thread died: ${reason}; starting it again`);
      },
    });
  }

  /** Resolves to the port, once it listens; rejects with a `ListenError` if it can't. */
  async listen(port: number): Promise<number> {
    this.#delay.start();
    this.#port = port;
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#onListening = resolve;
      // Here it is reported by who asked, and not tried again.
      this.#onFailed = error => {
        this.#supervisor.end();
        reject(error);
      };
      this.#supervisor.start();
    });
    this.#onFailed = () => {};
    return this.#port;
  }

  /** The server has started: until now it was `starting`. */
  serving(): void {
    this.#isServing = true;
  }

  /** Has it end, with every connection to it, wherever they are. Only the exit of the process waits for that. */
  end(): void {
    this.#supervisor.end();
    this.#delay.stop();
    const { thread } = this.#supervisor;
    if (thread === undefined) return;
    thread.ref();
    setTimeout(() => thread.unref(), END_MS_MAX).unref();
    send(thread, { is: 'end' });
  }

  /** For tests: it dies. */
  kill(): void {
    send(this.#supervisor.thread!, { is: 'end' });
  }

  #create(): Worker {
    const start: HttpThreadStart = {
      port: this.#port,
      version: this.#version,
      startedAtMs: this.#startedAtMs,
    };
    const thread = createThread(new URL('./server', import.meta.url), {
      workerData: start,
      name: 'tally-http',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    });
    thread.on('message', (message: FromHttpThread) => this.#heard(thread, message));
    return thread;
  }

  #heard(thread: Worker, message: FromHttpThread): void {
    const { isEnding } = this.#supervisor;
    switch (message.is) {
      case 'listening':
        this.#supervisor.ready();
        // From here on it keeps no process alive.
        if (!isEnding) thread.unref();
        this.#onListening(message.port);
        break;
      case 'failed':
        this.#supervisor.reason = listenMistake(message, HTTP_HOST, this.#port, '--http');
        this.#onFailed(new ListenError(this.#supervisor.reason));
        send(thread, { is: 'end' });
        break;
      case 'ask':
        if (!isEnding) send(thread, { is: 'snapshot', snapshot: this.#snapshot() });
    }
  }

  #snapshot() {
    return takeSnapshot(this.#watched, this.#sampler, this.#delay, this.#isServing);
  }
}

function send(thread: Worker, message: ToHttpThread): void {
  thread.postMessage(message);
}
