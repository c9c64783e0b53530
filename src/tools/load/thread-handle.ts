/** A thread of a load run, from the main thread's side: what it has reached, and what it reported. */
import { Worker } from 'node:worker_threads';
import type { Credentials } from '../harness/credentials.ts';
import type { FromThread, ThreadOutcome, ThreadPlan, ToThread } from './messages.ts';
import type { LoadPlan } from './plan.ts';
import type { IntervalCounts } from './recorder.ts';
import type { Script } from './script.ts';

export class LoadThread {
  readonly ready: Promise<void>;
  readonly quiet: Promise<void>;
  readonly done: Promise<ThreadOutcome>;
  latest = { answered: 0, busy: 0, errors: 0 };
  /** By second. */
  readonly intervals: IntervalCounts[] = [];
  #wrong: string | undefined;
  #onWrong: ((what: string) => void) | undefined;
  readonly #worker: Worker;

  constructor(
    plan: LoadPlan,
    script: Script,
    thread: number,
    runId: string | undefined,
    credentials: Credentials,
  ) {
    const share =
      Math.floor(plan.connections / plan.threads) + (thread < plan.connections % plan.threads ? 1 : 0);
    this.#worker = createWorker({ plan, script, thread, connections: share, runId, credentials });
    const ready = milestone<void>();
    const quiet = milestone<void>();
    const done = milestone<ThreadOutcome>();
    this.ready = ready.promise;
    this.quiet = quiet.promise;
    this.done = done.promise;
    const fail = (error: Error) => {
      ready.reject(error);
      quiet.reject(error);
      done.reject(error);
    };
    this.#worker.on('error', fail);
    this.#worker.on('exit', () => fail(new Error('a thread of the load generator ended too early')));
    this.#worker.on('message', (message: FromThread) => {
      switch (message.type) {
        case 'ready':
          return ready.resolve();
        case 'failed':
          return fail(new Error(message.message));
        case 'progress':
          this.intervals.push(...message.intervals);
          this.latest = message;
          return;
        case 'wrong':
          this.#wrong ??= message.what;
          return this.#onWrong?.(message.what);
        case 'quiet':
          return quiet.resolve();
        case 'done':
          return done.resolve(message.outcome);
      }
    });
  }

  /** Told of what came before, too: a server may say something before the load begins. */
  set onWrong(listener: (what: string) => void) {
    this.#onWrong = listener;
    if (this.#wrong !== undefined) listener(this.#wrong);
  }

  tell(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

interface Milestone<Value> {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (error: Error) => void;
}

function milestone<Value>(): Milestone<Value> {
  let resolve!: (value: Value) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<Value>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise;
    reject = rejectPromise;
  });
  // A failure is reported to those that wait; if none waits, it must not count as unhandled.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

function createWorker(threadPlan: ThreadPlan): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new Worker(new URL(`./thread.${extension}`, import.meta.url), { workerData: threadPlan });
}
