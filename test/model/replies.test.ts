/**
 * Every request gets one reply, in order: whatever the clients do, however full the rings are, and wherever the
 * workers lag or die. The model of a client is the list of its requests.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test, vi } from 'vitest';
import { Conversation, clientStepsOf, type Deed, METRICS, requestArbitrary } from './conversation.ts';
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
// The hash decides which worker owns a user: the same in every run, so that a failure can be repeated.
vi.mock('node:crypto', async original => ({ ...(await original<object>()), randomInt: () => 123_456_789 }));

const CLIENTS = 3;
const WORKERS = 2;
const UNSENT_BYTES_MAX = 16_384;
const FLAGS = ['--workers', String(WORKERS), '--unsent-bytes-max', String(UNSENT_BYTES_MAX)];
/** Of all the replies here; the last one that is made may go so far beyond the limit. */
const REPLY_BYTES_MAX = 1_024;

interface Model {
  clients: Conversation[];
}

interface Real {
  world: World;
  sockets: HandSocket[];
}

async function expectSame({ clients }: Model, { world, sockets }: Real): Promise<void> {
  await world.settle();
  world.expectRefusedWhenFull();
  for (const [id, client] of clients.entries()) {
    client.hear(sockets[id]!.said);
    assert.ok(sockets[id]!.writableLength < UNSENT_BYTES_MAX + REPLY_BYTES_MAX, `client ${id} is unread`);
    // Nothing may stop the server then from answering all it was asked.
    if (world.isIdle && !client.isPaused && !client.isReset) {
      assert.equal(client.replies.length, client.sentRequests, `client ${id} waits for replies`);
      assert.equal(sockets[id]!.hasEnded, client.hasEnded, `client ${id} waits for the end`);
    }
  }
  const { received, processed, dropped, queued } = world.engine.counts();
  assert.equal(received, processed + dropped + queued);
}

const step = asyncStepsOf(expectSame);
const { ask, act } = clientStepsOf(step);

const does = (id: number, deed: Deed) =>
  act(id, deed, ({ isPaused, isOpen }) => {
    if (deed === 'pauses') return !isPaused;
    return deed === 'reads' ? isPaused : isOpen;
  });

const work = (worker: number, most: number) =>
  step(`worker ${worker} applies ${most}`, (_, { world }) => world.work(worker, most));

const die = (worker: number, eventsIn: number) =>
  step(`worker ${worker} dies ${eventsIn} events in`, (_, { world }) => world.die(worker, eventsIn));

const pass = (ms: number) => step(`${ms} ms pass`, (_, { world }) => world.pass(ms));

/** Everybody reads and says that this was all, and the workers do what there is: nobody may be left waiting. */
async function end(model: Model, real: Real): Promise<void> {
  const { world, sockets } = real;
  const all = async (deed: Deed) => {
    for (const id of sockets.keys()) {
      const last = does(id, deed);
      if (last.check(model)) await last.run(model, real);
    }
  };
  await all('reads');
  for (let round = 0; round < 1_000 && !world.engine.workers.areAllReady; round++) await world.pass(10);
  await all('ends');
  for (let round = 0; round < 1_000 && !(world.isIdle && world.sessions.all.size === 0); round++)
    await world.workAll();
  await expectSame(model, real);
  assert.equal(world.isIdle, true);
  assert.equal(world.sessions.all.size, 0);
  assert.equal(world.engine.counts().queued, 0);

  // Only an event that was accepted makes a user.
  if (!model.clients.some(client => client.isReset)) {
    const users = model.clients.reduce((sum, client) => sum + client.balances.size, 0);
    assert.equal(world.engine.users.users, users);
  }

  // A stranger hears the same balances.
  const stranger = world.connect();
  const balances = model.clients.flatMap(client => (client.isReset ? [] : [...client.balances]));
  stranger.clientSends(
    Buffer.from(balances.map(([user]) => `{"type":"balance","user":"${user}"}\n`).join('')),
  );
  await world.settle();
  assert.equal(stranger.said, balances.map(([, sum]) => `{"status":"ok","balance":${sum}}\n`).join(''));
}

const idArbitrary = fc.nat(CLIENTS - 1);
const workerArbitrary = fc.nat(WORKERS - 1);
const askArbitrary = fc
  .tuple(
    idArbitrary,
    fc.array(requestArbitrary, { minLength: 1, maxLength: 9 }),
    fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 4 }),
    fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 30 })),
  )
  .map(([id, requests, lengths, heldBackBytes]) => ask(id, requests, heldBackBytes, lengths));
const workArbitrary = fc.tuple(workerArbitrary, fc.integer({ min: 1, max: 8 })).map(args => work(...args));

const mailMsArbitrary = fc.constantFrom(0, 0, 5);

const commandsArbitrary = fc.commands<Model, Real, false>(
  [
    askArbitrary,
    askArbitrary,
    askArbitrary,
    askArbitrary,
    idArbitrary.map(id => ask(id, METRICS)),
    workArbitrary,
    workArbitrary,
    workArbitrary,
    fc.tuple(workerArbitrary, fc.nat(3)).map(args => die(...args)),
    fc.integer({ min: 1, max: 60 }).map(pass),
    fc
      .tuple(
        idArbitrary,
        fc.constantFrom<Deed>('pauses', 'pauses', 'reads', 'ends', 'ends without line end', 'resets'),
      )
      .map(args => does(...args)),
    fc.tuple(idArbitrary, fc.constantFrom<Deed>('pauses', 'reads')).map(args => does(...args)),
  ],
  { maxCommands: 40, size: 'max' },
);

test('every request gets one reply, in order, whatever the clients and the workers do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(2, 4, 8),
      mailMsArbitrary,
      fc.boolean(),
      commandsArbitrary,
      async (ring, mailMs, isBusy, commands) => {
        const world = await World.open([...FLAGS, '--ring', String(ring)], mailMs, isBusy);
        try {
          const model = { clients: Array.from({ length: CLIENTS }, (_, id) => new Conversation(id)) };
          const real = { world, sockets: Array.from({ length: CLIENTS }, () => world.connect()) };
          await fc.asyncModelRun(() => ({ model, real }), commands);
          await end(model, real);
        } finally {
          await world.close();
        }
      },
    ),
    { numRuns: 150 },
  );
});
