/**
 * The socket thread's side of HTTP. What browsers, probes and scrapers send is read and answered by a thread of its
 * own, so that none of them, slow, many or evil, takes a turn of the event loop from the clients of the events. That
 * thread asks this one for a view when somebody looks, a few times a second at most; that is all it costs.
 *
 * It is never terminated. Node stops a thread by making its JavaScript fail at whatever it is at; if that is called by
 * the parser of node:http, the whole process aborts (`v8::ToLocalChecked Empty MaybeLocal`), and an exit of the process
 * with the thread still running stops it the same way. So it is told to end, and the exit waits until it has.
 *
 * If it dies (out of memory, a defect), the server goes on, and it is started again, on the port it had.
 */
import type { Worker } from 'node:worker_threads';
import type { Sample } from '../engine/sampler.ts';
import { ListenError, listenMistake } from '../net/listener.ts';
import type { Service } from '../session/service.ts';
import { createThread } from '../threads/thread.ts';
import { LoopDelay } from './loop-delay.ts';
import { type FrontMessage, type FrontStart, HTTP_HOST, type ToFront, takeView } from './snapshot.ts';

const RESTART_MS_MIN = 500;
const RESTART_MS_MAX = 30_000;
/** It keeps a page and a view; whoever makes it keep more ends it, and not the server. */
const HEAP_MB_MAX = 64;
/** One that has not ended by then never will, and the process does not wait for it: a defect. */
const END_MS_MAX = 1_500;

export class HttpThread {
  readonly #service: Service;
  readonly #version: string;
  readonly #sample: Sample;
  readonly #delay = new LoopDelay();
  #thread: Worker | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isEnded = false;
  #isServing = false;
  #restartMs = RESTART_MS_MIN;
  readonly #startedAtMs = Date.now();
  #port = 0;

  /** Before the first event: from then on it is known which user is in which shard. */
  constructor(service: Service, version: string) {
    this.#service = service;
    this.#version = version;
    this.#sample = service.engine.sample();
  }

  /** Resolves to the port, once it listens; rejects with a `ListenError` if it can't. */
  async listen(port: number): Promise<number> {
    this.#delay.start();
    this.#port = await this.#spawn(port);
    return this.#port;
  }

  /** The server has started: until now it was `starting`. */
  serving(): void {
    this.#isServing = true;
  }

  /** Has it end, with every connection to it, wherever they are. Only the exit of the process waits for that. */
  end(): void {
    this.#isEnded = true;
    clearTimeout(this.#restart);
    this.#delay.stop();
    const thread = this.#thread;
    if (thread === undefined) return;
    thread.ref();
    setTimeout(() => thread.unref(), END_MS_MAX).unref();
    send(thread, { is: 'end' });
  }

  /** For tests: it dies. */
  kill(): void {
    send(this.#thread!, { is: 'end' });
  }

  async #spawn(port: number): Promise<number> {
    const start: FrontStart = { port, version: this.#version, startedAtMs: this.#startedAtMs };
    const thread = createThread(new URL('./server', import.meta.url), {
      workerData: start,
      name: 'tally-http',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    });
    this.#thread = thread;
    let reason = 'it ended';
    return new Promise((resolve, reject) => {
      thread.on('message', (message: FrontMessage) => {
        switch (message.is) {
          case 'listening':
            this.#restartMs = RESTART_MS_MIN;
            // From here on it keeps no process alive.
            if (!this.#isEnded) thread.unref();
            return resolve(message.port);
          case 'failed':
            reason = listenMistake(message, HTTP_HOST, port, '--http');
            reject(new ListenError(reason));
            return send(thread, { is: 'end' });
          case 'ask':
            return this.#isEnded ? undefined : send(thread, this.#answer());
        }
      });
      thread.on('error', error => {
        reason = String(error);
        reject(error);
      });
      thread.on('exit', () => {
        this.#thread = undefined;
        if (!this.#isEnded) this.#died(reason);
      });
    });
  }

  #answer(): ToFront {
    return { is: 'view', view: takeView(this.#service, this.#sample, this.#delay, this.#isServing) };
  }

  #died(reason: string): void {
    this.#service.log.warn('http_died', { reason }, `the HTTP thread died: ${reason}; starting it again`);
    this.#restart = setTimeout(() => {
      // If it can't listen, it ends, and that is logged and tried again; so is a thread that could not be made at all.
      this.#spawn(this.#port).catch(error => {
        if (this.#thread === undefined && !this.#isEnded) this.#died(String(error));
      });
    }, this.#restartMs).unref();
    this.#restartMs = Math.min(this.#restartMs * 2, RESTART_MS_MAX);
  }
}

function send(thread: Worker, message: ToFront): void {
  thread.postMessage(message);
}
