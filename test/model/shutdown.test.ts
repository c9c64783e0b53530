/**
 * The shutdown, in a time that is moved by hand: whatever clients and workers do before and after the signals, nothing
 * accepted is lost without being said, every reply is in its place, and the end comes in time.
 */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import fc from 'fast-check';
import { test, vi } from 'vitest';
import type { Signal } from '../../src/server/shutdown.ts';
import { METRICS, requestArbitrary } from './conversation.ts';
import {
  Ask,
  CLIENTS,
  type Deed,
  Die,
  Do,
  FLAGS,
  JOIN_MS_MAX,
  Model,
  Pass,
  Real,
  Send,
  SetPace,
  SHUTDOWN_MS_MAX,
  STAGES_MS_MAX,
  WORKERS,
} from './shutdown-steps.ts';
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

/** The end, and what the ledger says. */
async function end(model: Model, real: Real): Promise<void> {
  const { world } = real;
  if (model.signal === undefined) await new Send('SIGTERM').run(model, real);
  const limitMs = model.signal!.atMs + SHUTDOWN_MS_MAX + JOIN_MS_MAX + 1;
  while (real.stopped === undefined && model.nowMs < limitMs) await new Pass(10).run(model, real);
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
    if (client.isPaused || client.isReset) continue;
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
  .map(([id, requests, heldBackBytes]) => new Ask(id, requests, heldBackBytes));
const passArbitrary = fc
  .oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 80, max: 180 }))
  .map(ms => new Pass(ms));

const commandsArbitrary = fc.commands<Model, Real, false>(
  [
    askArbitrary,
    askArbitrary,
    askArbitrary,
    idArbitrary.map(id => new Ask(id, METRICS)),
    passArbitrary,
    passArbitrary,
    fc.tuple(workerArbitrary, fc.nat(2)).map(([worker, pace]) => new SetPace(worker, pace)),
    fc.tuple(workerArbitrary, fc.nat(3)).map(([worker, eventsIn]) => new Die(worker, eventsIn)),
    fc
      .tuple(idArbitrary, fc.constantFrom<Deed>('pauses', 'pauses', 'reads', 'ends', 'resets'))
      .map(([id, deed]) => new Do(id, deed)),
    fc.constantFrom<Signal>('SIGINT', 'SIGINT', 'SIGTERM').map(signal => new Send(signal)),
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
        drainMsMin: fc.constantFrom(0, 20),
      }),
      commandsArbitrary,
      async ({ ring, mailMs, drainMsMin }, commands) => {
        const flags = [...FLAGS, '--ring', String(ring), '--drain-ms-min', String(drainMsMin)];
        const world = await World.open(flags, mailMs);
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
    world.service.config.shutdownMsMax = 60;
    const model = new Model();
    await new SetPace(0, 0).run(model, real);
    await new SetPace(1, 0).run(model, real);
    await new Ask(0, [{ kind: 'event', user: 0, amount: 1 }]).run(model, real);
    await new Send('SIGTERM').run(model, real);
    await new Pass(60).run(model, real);
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
    // The last event comes in the same chunk as what fills the outbox: the server reads no more then.
    for (const requests of [
      [event, { ...event, kind: 'balance' } as const],
      [...METRICS, event],
    ])
      await new Ask(0, requests).run(model, real);
    await new Send('SIGTERM').run(model, real);
    await end(model, real);
    assert.equal(model.clients[0]!.replies.length, 2 + METRICS.length + 1);
  } finally {
    process.exitCode = undefined;
    await world.close();
  }
});
