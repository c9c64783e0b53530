/**
 * The threads of one trial. Every trial gets new ones, and each runs one subject only: V8 compiles a thread's code for
 * what that thread has seen, so a loop that had served another subject before would be another, slower loop.
 */
import { once } from 'node:events';
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';

/** A trial takes a second or two; one that lost an event may wait for ever. */
const TRIAL_MS_MAX = 60_000;

interface Start {
  data: unknown;
  threads: number;
  /** How many threads have come to the meeting so far. */
  met: Int32Array<SharedArrayBuffer>;
}

/**
 * Starts a thread of `file`, named without its ending, for each of `datas`; it lies beside this one, or beside the
 * module `beside`. Resolves with what they answer, in the same order. If one fails, or they do not end, all are ended,
 * and it throws.
 */
export async function runThreads<Answer>(
  file: string,
  datas: readonly unknown[],
  ports: readonly MessagePort[][] = [],
  beside: string = import.meta.url,
): Promise<Answer[]> {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const met = new Int32Array(new SharedArrayBuffer(4));
  const threads = datas.map((data, index) => {
    const start: Start = { data, threads: datas.length, met };
    return new Worker(new URL(`./${file}.${ending}`, beside), {
      workerData: start,
      transferList: ports[index] ?? [],
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const late = new Error(`${file} did not end within ${TRIAL_MS_MAX / 1000} s: something was lost`);
    timer = setTimeout(() => reject(late), TRIAL_MS_MAX);
  });
  try {
    return await Promise.race([deadline, Promise.all(threads.map(answerOf<Answer>))]);
  } finally {
    clearTimeout(timer);
    await Promise.all(threads.map(thread => thread.terminate()));
  }
}

async function answerOf<Answer>(thread: Worker): Promise<Answer> {
  // Rejects with what the thread throws.
  const answered = once(thread, 'message') as Promise<[Answer]>;
  const ended = once(thread, 'exit').then(() =>
    Promise.reject(new Error('a thread ended without an answer')),
  );
  const [answer] = await Promise.race([answered, ended]);
  return answer;
}

/**
 * In the thread's file: does the work and posts its answer. `meet` blocks until all threads of the trial have called
 * it, so that they are measured at the same time.
 */
export async function answerWith<Data, Answer>(
  work: (data: Data, meet: () => void) => Answer | Promise<Answer>,
): Promise<void> {
  const { data, threads, met } = workerData as Start;
  const meet = () => {
    if (Atomics.add(met, 0, 1) === threads - 1) Atomics.notify(met, 0);
    // All but the last sleep until the number changes, and check again.
    for (let seen = Atomics.load(met, 0); seen < threads; seen = Atomics.load(met, 0))
      Atomics.wait(met, 0, seen, 10);
  };
  parentPort!.postMessage(await work(data as Data, meet));
}

/** A clock that all threads share, in nanoseconds. `performance.now()` starts anew in every thread. */
export function clockNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}
