/**
 * The socket thread's side of HTTP. Browsers, probes and scrapers are served by a separate thread, so that none of
 * them, slow, many or malicious, takes time of the event loop from the clients that send events. The only cost here
 * is a snapshot when one is requested, ten times a second at most.
 *
 * The thread is never terminated. Node terminates a thread by making its JavaScript throw at any point. Inside a
 * callback of node:http's parser, that aborts the whole process (`v8::ToLocalChecked Empty MaybeLocal`); so does an
 * exit of the process while the thread runs. So the thread is told to end, and the exit of the process waits for it.
 *
 * If the thread dies (out of memory, a defect), the server continues, and the thread is restarted on the same port. It
 * then reads what its files say at that time.
 */
import type { Worker } from 'node:worker_threads';
import { ConfigError } from '../config/config-error.ts';
import type { Log } from '../log.ts';
import { addressMistake, ListenError, type ListensAt } from '../net/listener.ts';
import { type RestartPolicy, Supervisor } from '../threads/supervisor.ts';
import { createThread } from '../threads/thread.ts';
import { LoopDelay } from './loop-delay.ts';
import type { Protection } from './protection.ts';
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
/** More for a file of tokens, at its largest twice: while a reload reads it, the one before is in force. */
const TOKENS_HEAP_MB_MAX = 512;
const FLAGS = { host: '--http-host', port: '--http' };
/** A thread that has not ended by then has a defect; the process waits no longer. */
const END_MS_MAX = 1_500;
/** To read its files again. A large one takes a second, and more on a busy machine. */
const PREPARE_MS_MAX = 30_000;

export class HttpThread {
  readonly #watched: Watched;
  readonly #log: Log;
  readonly #version: string;
  readonly #protection: Protection | undefined;
  readonly #sampler: ReturnType<Watched['engine']['sampler']>;
  readonly #delay = new LoopDelay();
  readonly #supervisor: Supervisor;
  readonly #startedAtMs = Date.now();
  #isServing = false;
  #host = '';
  #port = 0;
  #onListening: (at: ListensAt) => void = () => {};
  #onFailed: (error: Error) => void = () => {};
  /** Reloads so far. */
  #round = 0;
  #onPrepared: (mistake: string | undefined) => void = () => {};

  /** Must be called before the first event, because the sampler must be made before it. */
  constructor(watched: Watched, log: Log, version: string, protection?: Protection) {
    this.#watched = watched;
    this.#log = log;
    this.#version = version;
    this.#protection = protection;
    this.#sampler = watched.engine.sampler();
    this.#supervisor = new Supervisor(RESTART, {
      endReason: 'it ended',
      create: () => this.#create(),
      onDeath: reason => {
        this.#onFailed(new Error(reason));
        // The next one reads its files when it starts.
        this.#onPrepared(undefined);
        log.warn('http_died', { reason }, `the HTTP thread died: ${reason}; starting it again`);
      },
    });
  }

  /** Resolves to where it listens, once it does; rejects with a `ListenError` or a `ConfigError` if it can't. */
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

  /**
   * Has the thread read its files again; the function that is returned has it put them in force. Rejects with an error of
   * one line if one can't be used.
   */
  prepare(): Promise<() => void> {
    const round = ++this.#round;
    const tell = (is: 'prepare' | 'commit') => {
      const { thread } = this.#supervisor;
      if (thread !== undefined) send(thread, { is, round });
    };
    if (this.#protection === undefined || this.#supervisor.thread === undefined)
      return Promise.resolve(() => {});
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`the HTTP thread has not read its files in ${PREPARE_MS_MAX} ms`)),
        PREPARE_MS_MAX,
      ).unref();
      this.#onPrepared = mistake => {
        clearTimeout(late);
        if (mistake === undefined) resolve(() => tell('commit'));
        else reject(new ConfigError(mistake));
      };
      tell('prepare');
    });
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
      protection: this.#protection,
    };
    const thread = createThread(new URL('./server', import.meta.url), {
      workerData: start,
      name: 'tally-http',
      resourceLimits: {
        maxOldGenerationSizeMb: this.#protection?.gate === undefined ? HEAP_MB_MAX : TOKENS_HEAP_MB_MAX,
      },
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
      case 'unusable':
        this.#supervisor.reason = message.mistake;
        this.#onFailed(new ConfigError(message.mistake));
        break;
      case 'prepared':
        if (message.round === this.#round) this.#onPrepared(message.mistake);
        break;
      case 'warning':
        // Nothing comes behind the last line of the log.
        if (!isEnding) this.#log.warn(message.event, message.fields, message.text);
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
