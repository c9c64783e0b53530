/** A thread under exploration: puts itself behind the gate, loads the scenario, and does its part of it in every run. */
import { parentPort, workerData } from 'node:worker_threads';
import { Box } from './box.ts';
import { Gate, type GateOptions, GONE } from './gate.ts';
import { END } from './operations.ts';
import { pretend } from './pretend.ts';
import { Races } from './races.ts';
import { Sharing } from './sharing.ts';

export interface ThreadStart extends GateOptions {
  scenario: string;
  memory: unknown;
  box: SharedArrayBuffer;
  races: SharedArrayBuffer;
  sharing: SharedArrayBuffer;
}

const start = workerData as ThreadStart;
const port = parentPort!;
// A module that is a thread's program, too, must not start when it is loaded here.
pretend({ workerData: undefined, parentPort: null });
const box = new Box(start.box);
const gate = new Gate(start, box, new Races(start.races), new Sharing(start.sharing));
gate.install();
// Only now: what a scenario loads must find the gate.
const { scenarioOf } = await import('./scenarios.ts');
const { run } = (await scenarioOf(start.scenario)).threads[start.thread]!;
const memory = wrapped(start.memory);

port.postMessage('ready');
box.awaitTurn();
for (let count = 0; ; count++) {
  gate.begin();
  box.message = '';
  try {
    const running = run(memory, gate, count);
    if (running instanceof Promise) await running;
  } catch (error) {
    if (error !== GONE) box.message = error instanceof Error ? error.message : String(error);
  }
  box.stop(END);
}

/** The same data, with views that are noted. */
function wrapped(data: unknown): unknown {
  if (ArrayBuffer.isView(data)) return gate.wrap(data as Int32Array);
  if (Array.isArray(data)) return data.map(wrapped);
  if (typeof data !== 'object' || data === null || data instanceof SharedArrayBuffer) return data;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, wrapped(value)]));
}
