/**
 * The socket thread's side of HTTP. Browsers, probes and scrapers are served by a separate thread, so that none of
 * them, slow, many or malicious, takes time of the event loop from the clients that send events. The only cost here
 * is a snapshot when one is requested, ten times a second at most.
 *
 * The thread is never terminated. Node terminates a thread by making its JavaScript throw at any point. Inside a
 * callback of node:http's parser, that aborts the whole process (`v8::ToLocalChecked Empty MaybeLocal`); so does an
 * exit of the process while the thread runs. So the thread is told to end, and the exit of the process waits for it.
 *
 * If the thread dies (out of memory, a defect), the server continues, and the thread is restarted on the same port.
 */
import type { Worker } from 'node:worker_threads';
import type { Sampler } from '../engine/sampler.ts';
import type { Log } from '../log.ts';
import { addressMistake, ListenError, type ListensAt } from '../net/listener.ts';
import { type RestartPolicy, Supervisor } from '../threads/supervisor.ts';
import { createThread } from '../threads/thread.ts';
import { LoopDelay } from './loop-delay.ts';
import {
  type FromHttpThread,
  type HttpThreadStart,
  type ToHttpThread,
  takeSnapshot,
  type Watched,
} from './snapshot.ts';

const RESTART: RestartPolicy = { healthyMs: 500, firstMs: 500, maxMs: 30_000 };
/** It needs little: a page and a snapshot. A client that makes it keep more ends this thread only, not the server. */
const HEAP_MB_MAX = 64;
const FLAGS = { host: '--http-host', port: '--http' };
/** A thread that has not ended by then has a defect; the process waits no longer. */
const END_MS_MAX = 1_500;

export class HttpThread {
  readonly #watched: Watched;
  readonly #version: string;
  readonly #sampler: Sampler;
  readonly #delay = new LoopDelay();
  readonly #supervisor: Supervisor;
  readonly #startedAtMs = Date.now();
  #isServing = false;
  #host = '';
  #port = 0;
  #onListening: (at: ListensAt) => void = () => {};
  #onFailed: (error: Error) => void = () => {};

  /** Must be called before the first event, because the sampler must be made before it. */
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

  /** Resolves to where it listens, once it does; rejects with a `ListenError` if it can't. */
  async listen(host: string, port: number): Promise<ListensAt> {
    this.#delay.start();
    this.#host = host;
    this.#port = port;
    const at = await new Promise<ListensAt>((resolve, reject) => {
      this.#onListening = resolve;
      // At the start, a failure is reported by the caller, and not retried.
      this.#onFailed = error => {
        this.#supervisor.end();
        reject(error);
      };
      this.#supervisor.start();
    });
    this.#onFailed = () => {};
    // Another thread must listen on the same port.
    this.#port = at.port;
    return at;
  }

  /** The server has started: its state is no longer `starting`. */
  serving(): void {
    this.#isServing = true;
  }

  /** Tells the thread to end, with all its connections. Only the exit of the process waits for that. */
  end(): void {
    this.#supervisor.end();
    this.#delay.stop();
    const { thread } = this.#supervisor;
    if (thread === undefined) return;
    thread.ref();
    setTimeout(() => thread.unref(), END_MS_MAX).unref();
    send(thread, { is: 'end' });
  }

  /** For tests: makes the thread die. */
  kill(): void {
    send(this.#supervisor.thread!, { is: 'end' });
  }

  #create(): Worker {
    const start: HttpThreadStart = {
      host: this.#host,
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
        // From here on it does not keep the process alive.
        if (!isEnding) thread.unref();
        this.#onListening(message.at);
        break;
      case 'failed':
        this.#supervisor.reason = addressMistake(message, this.#host, this.#port, FLAGS);
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
