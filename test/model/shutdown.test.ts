/**
 * The shutdown, in a time that is moved by hand: whatever clients and workers do before and after the signals, nothing
 * accepted is lost without being said, every reply is in its place, and the end comes in time.
 */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import fc from 'fast-check';
import { test, vi } from 'vitest';
import { Shutdown, type Signal } from '../../src/server/shutdown.ts';
import {
  Conversation,
  clientStepsOf,
  type Deed,
  isLateReply,
  isReplyOfDraining,
  METRICS,
  requestArbitrary,
} from './conversation.ts';
import type { HandSocket } from './hand-socket.ts';
import { asyncStepsOf } from './step.ts';
import { World } from './world.ts';

vi.mock('node:worker_threads', async original => ({
  ...(await original<object>()),
  Worker: (await import('./hand-worker.ts')).HandWorker,
}));
vi.mock('node:net', async original => {
  const net = await original<typeof import('node:net')>();
  return { ...net, createServer: (await import('./stand-ins.ts')).keepServer(net.createServer) };
});
vi.mock('node:timers/promises', async original => ({
  ...(await original<object>()),
  setTimeout: (await import('./stand-ins.ts')).sleep,
}));
vi.mock('node:tty', async original => ({ ...(await original<object>()), isatty: () => true }));
vi.mock('node:crypto', async original => ({ ...(await original<object>()), randomInt: () => 123_456_789 }));

const CLIENTS = 3;
const WORKERS = 2;
/** The same signal within this time of the first is the first one again. */
const REPEAT_MS = 100;
const SHUTDOWN_MS_MAX = 400;
const JOIN_MS_MAX = 10;
/** What the stages may take one after the other, and some looks whether they are done. */
const STAGES_MS_MAX = 250 + 40 + 2 * JOIN_MS_MAX + 10;
const FLAGS = [
  ...['--workers', String(WORKERS), '--unsent-bytes-max', '16384'],
  ...['--drain-ms-max', '250', '--grace-ms-max', '40', '--join-ms-max', String(JOIN_MS_MAX)],
  ...['--shutdown-ms-max', String(SHUTDOWN_MS_MAX)],
];

class Model {
  readonly clients = Array.from({ length: CLIENTS }, (_, id) => new Conversation(id));
  nowMs = 0;
  signal: { name: Signal; atMs: number } | undefined;
  /** The one that ends the shutdown at once. */
  secondSignal: Signal | undefined;
  /** Bytes of each client that had come when the signal did. */
  readonly arrivedBytes: number[] = [];
  /** Events that each worker applies in a millisecond. */
  readonly paces = Array<number>(WORKERS).fill(1);
  /** A worker was dead or stood still after the signal: then events may be lost. */
  areWorkersHindered = false;
}

class Real {
  readonly world: World;
  readonly sockets: HandSocket[];
  readonly #handlers = new Map<string, (signal: Signal) => void>();

  constructor(world: World) {
    this.world = world;
    const watch = vi.spyOn(process, 'on').mockImplementation((event, handler) => {
      this.#handlers.set(String(event), handler as (signal: Signal) => void);
      return process;
    });
    new Shutdown({ ...world, log: world.sessions.log }).watchSignals();
    watch.mockRestore();
    this.sockets = Array.from({ length: CLIENTS }, () => world.connect());
  }

  signal(name: Signal): void {
    this.#handlers.get(name)!(name);
  }

  get stopped(): Record<string, unknown> | undefined {
    const stopped = this.world.logged.filter(({ event }) => event === 'stopped');
    assert.ok(stopped.length <= 1);
    return stopped[0];
  }
}

async function expectSame(model: Model, real: Real): Promise<void> {
  const { world, sockets } = real;
  await world.settle();
  world.expectRefusedWhenFull();
  for (const [id, client] of model.clients.entries()) {
    const heard = client.replies.length;
    client.hear(sockets[id]!.said);
    for (let at = heard; at < client.replies.length; at++) {
      const isLate = model.signal !== undefined && client.lineEnds[at]! > model.arrivedBytes[id]!;
      const reply = client.replies[at]!;
      // What came before the signal is served, though health may say already that the server drains.
      if (isLate) assert.ok(isLateReply(client.requests[at]!, reply), `${reply} to what came later`);
      else assert.ok(!isReplyOfDraining(client.requests[at]!, reply, model.signal !== undefined), reply);
    }
  }
  const { received, processed, dropped, queued } = world.engine.counts();
  assert.equal(received, processed + dropped + queued);
  if (model.secondSignal !== undefined)
    assert.ok(real.stopped !== undefined, 'a second signal ends it at once');
}

const step = asyncStepsOf(expectSame);
const { ask, act } = clientStepsOf(step);

const setPace = (worker: number, pace: number) =>
  step(`worker ${worker} applies ${pace} a ms`, model => {
    model.paces[worker] = pace;
    if (model.signal !== undefined && pace === 0) model.areWorkersHindered = true;
  });

const die = (worker: number, eventsIn: number) =>
  step(`worker ${worker} dies ${eventsIn} events in`, (model, { world }) => {
    if (model.signal !== undefined) model.areWorkersHindered = true;
    world.die(worker, eventsIn);
  });

const pass = (ms: number) =>
  step(`${ms} ms pass`, async (model, { world }) => {
    await world.pass(ms, () => {
      for (const [worker, pace] of model.paces.entries()) if (pace > 0) world.work(worker, pace);
    });
    model.nowMs += ms;
  });

const send = (name: Signal) =>
  step(name, (model, real) => {
    const { signal, nowMs } = model;
    if (signal === undefined) {
      model.signal = { name, atMs: nowMs };
      model.areWorkersHindered = !real.world.areWorkersReady || model.paces.includes(0);
      model.arrivedBytes.push(...real.sockets.map(socket => socket.arrivedBytes));
    } else {
      const isRepeated = signal.name === name && nowMs - signal.atMs < REPEAT_MS;
      if (!isRepeated && real.stopped === undefined) model.secondSignal ??= name;
    }
    real.signal(name);
  });

/** The end, and what the ledger says. */
async function end(model: Model, real: Real): Promise<void> {
  const { world } = real;
  if (model.signal === undefined) await send('SIGTERM').run(model, real);
  const limitMs = model.signal!.atMs + SHUTDOWN_MS_MAX + JOIN_MS_MAX + 1;
  while (real.stopped === undefined && model.nowMs < limitMs) await pass(10).run(model, real);
  const { stopped } = real;
  assert.ok(stopped !== undefined, 'it has not stopped in time');

  const { received, processed, dropped, lost, exitCode } = stopped as Record<string, number>;
  assert.equal(received, processed! + dropped! + lost!);
  assert.ok((stopped.elapsedMs as number) <= STAGES_MS_MAX, `it took ${stopped.elapsedMs} ms`);
  assert.equal(lost, world.acceptedEvents - world.appliedEvents);
  const { secondSignal } = model;
  const code = secondSignal === undefined ? (lost === 0 ? 0 : 3) : 128 + constants.signals[secondSignal];
  assert.deepEqual([exitCode, process.exitCode], [code, code]);
  if (secondSignal !== undefined || model.areWorkersHindered) return;

  // Nothing was in the way: all that came before the signal is served, and whoever reads has heard it.
  assert.equal(lost, 0);
  for (const [id, client] of model.clients.entries()) {
    if (client.hasPaused || client.isReset) continue;
    const wanted = client.lineEnds.filter(lineEnd => lineEnd <= model.arrivedBytes[id]!).length;
    assert.ok(
      client.replies.length >= wanted,
      `client ${id} has ${client.replies.length} of ${wanted} replies`,
    );
    assert.ok(real.sockets[id]!.hasEnded, `client ${id} has not heard the end`);
  }
}

const idArbitrary = fc.nat(CLIENTS - 1);
const workerArbitrary = fc.nat(WORKERS - 1);
const heldBackArbitrary = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 30 }) },
);
const askArbitrary = fc
  .tuple(idArbitrary, fc.array(requestArbitrary, { minLength: 1, maxLength: 12 }), heldBackArbitrary)
  .map(args => ask(...args));
const passArbitrary = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 80, max: 180 })).map(pass);

const commandsArbitrary = fc.commands<Model, Real, false>(
  [
    askArbitrary,
    askArbitrary,
    askArbitrary,
    idArbitrary.map(id => ask(id, METRICS)),
    passArbitrary,
    passArbitrary,
    fc.tuple(workerArbitrary, fc.nat(2)).map(args => setPace(...args)),
    fc.tuple(workerArbitrary, fc.nat(3)).map(args => die(...args)),
    fc
      .tuple(idArbitrary, fc.constantFrom<Deed>('pauses', 'pauses', 'reads', 'ends', 'resets'))
      .map(args => act(...args)),
    fc.constantFrom<Signal>('SIGINT', 'SIGINT', 'SIGTERM').map(send),
  ],
  { maxCommands: 25, size: 'max' },
);

test('nothing is lost without being said, and the end comes in time, whatever happens on the way', async () => {
  await fc.assert(
    // Without a lame duck the last answers are still under way when the stage after it begins.
    fc.asyncProperty(
      fc.record({
        ring: fc.constantFrom(2, 8),
        mailMs: fc.constantFrom(0, 5),
        isBusy: fc.boolean(),
        drainMsMin: fc.constantFrom(0, 20),
      }),
      commandsArbitrary,
      async ({ ring, mailMs, isBusy, drainMsMin }, commands) => {
        const flags = [...FLAGS, '--ring', String(ring), '--drain-ms-min', String(drainMsMin)];
        const world = await World.open(flags, mailMs, isBusy);
        try {
          const model = new Model();
          const real = new Real(world);
          await fc.asyncModelRun(() => ({ model, real }), commands);
          await end(model, real);
        } finally {
          process.exitCode = undefined;
          await world.close();
        }
      },
    ),
    { numRuns: 120 },
  );
});

test('the hard limit ends it also where the stages do not', async () => {
  const world = await World.open([...FLAGS, '--drain-ms-min', '0']);
  try {
    const real = new Real(world);
    // Shorter than the stages, which no settings can bring about.
    world.settings.shutdownMsMax = 60;
    const model = new Model();
    await setPace(0, 0).run(model, real);
    await setPace(1, 0).run(model, real);
    await ask(0, [{ kind: 'event', user: 0, amount: 1 }]).run(model, real);
    await send('SIGTERM').run(model, real);
    await pass(60).run(model, real);
    assert.deepEqual([real.stopped!.exitCode, real.stopped!.lost], [3, 1]);
    assert.equal(real.stopped!.cutShortBy, 'the hard limit of 60 ms');
  } finally {
    process.exitCode = undefined;
    await world.close();
  }
});

test('what was received is served also behind so many replies that wait for a worker that no more are made', async () => {
  const world = await World.open([...FLAGS, '--ring', '2', '--drain-ms-min', '0']);
  try {
    const real = new Real(world);
    const model = new Model();
    const event = { kind: 'event', user: 1, amount: 1 } as const;
    const garbage = Array(400).fill({ kind: 'garbage', user: 0, amount: 0 });
    // The last event comes in the same chunk as what fills the outbox: the server reads no more then.
    for (const requests of [
      [event, { ...event, kind: 'balance' } as const],
      [...garbage, event],
    ])
      await ask(0, requests).run(model, real);
    await send('SIGTERM').run(model, real);
    await end(model, real);
    assert.equal(model.clients[0]!.replies.length, 2 + garbage.length + 1);
  } finally {
    process.exitCode = undefined;
    await world.close();
  }
});
