/** The same work one after another and at a time: for async functions on Node's event loop, and for our executor. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Executor, type Task, wait } from './executor.ts';
import { TwoNaps } from './programs.ts';
import { Timer } from './timer.ts';

/** Of one way of waiting, in milliseconds. */
export interface Times {
  oneByOneMs: number;
  atATimeMs: number;
}

/** A piece of work, made anew for each call. */
type Make<T> = () => T;

export async function timesOfAsync(pieces: number, make: Make<Promise<unknown>>): Promise<Times> {
  const startMs = performance.now();
  for (let piece = 0; piece < pieces; piece += 1) await make();
  const betweenMs = performance.now();
  await Promise.all(Array.from({ length: pieces }, make));
  return { oneByOneMs: betweenMs - startMs, atATimeMs: performance.now() - betweenMs };
}

/** Of tasks that our executor runs, with this timer. */
export function timesOfTasks(timer: Timer, pieces: number, make: Make<Task<unknown>>): Times {
  const executor = new Executor(timer);
  const startMs = performance.now();
  executor.run(
    (function* oneByOne() {
      for (let piece = 0; piece < pieces; piece += 1) yield* make();
    })(),
  );
  const betweenMs = performance.now();
  executor.run(
    (function* atATime() {
      const begun = Array.from({ length: pieces }, () => executor.spawn(make()));
      for (const future of begun) yield* wait(future);
    })(),
  );
  return { oneByOneMs: betweenMs - startMs, atATimeMs: performance.now() - betweenMs };
}

/** Naps, in the three forms. */
export async function napTimes(pieces: number, ms: number): Promise<Record<string, Times>> {
  const timer = new Timer();
  const nap = function* () {
    yield* wait(timer.nap(ms));
  };
  const twice = function* () {
    yield* wait(new TwoNaps(timer, ms / 2));
  };
  return {
    'async functions, Node': await timesOfAsync(pieces, () => sleep(ms)),
    'generators, our executor': timesOfTasks(timer, pieces, nap),
    'state machines, our executor': timesOfTasks(timer, pieces, twice),
  };
}

/** Questions over TCP to a server that answers each `ms` later. */
export async function questionTimes(pieces: number, ms: number): Promise<Times> {
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.once('data', line => setTimeout(() => socket.end(line), ms));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const ask = async () => {
    const socket: Socket = connect(port, '127.0.0.1');
    socket.write('are you there?\n');
    let reply = '';
    for await (const chunk of socket.setEncoding('utf8')) reply += chunk;
    if (reply !== 'are you there?\n') throw new Error(`the reply is ${JSON.stringify(reply)}`);
  };
  try {
    return await timesOfAsync(pieces, ask);
  } finally {
    server.close();
  }
}

/** Work that waits for nothing, and takes so much of the processor. */
export async function sumTimes(pieces: number, ms: number): Promise<Record<string, Times>> {
  return {
    'async functions, Node': await timesOfAsync(pieces, async () => sumFor(ms)),
    // biome-ignore lint/correctness/useYield: a task that has nothing to wait for
    'generators, our executor': timesOfTasks(new Timer(), pieces, function* () {
      return sumFor(ms);
    }),
  };
}

function sumFor(ms: number): number {
  let value = 1;
  const before = process.cpuUsage();
  while (processorMsSince(before) < ms)
    for (let round = 0; round < 10_000; round += 1) value = (Math.imul(value, 31) + round) | 0;
  return value;
}

/** While one task of ours naps. */
export function processorMsOfNap(ms: number): number {
  const timer = new Timer();
  const before = process.cpuUsage();
  new Executor(timer).run(wait(timer.nap(ms)));
  return processorMsSince(before);
}

/** Of this process. */
function processorMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
