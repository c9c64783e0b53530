/**
 * Every request gets one reply, in order: whatever the clients do, however full the rings are, and wherever the
 * workers lag or die. The model of a client is the list of its requests.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test, vi } from 'vitest';
import { brief, Conversation, METRICS, type Request, requestArbitrary } from './conversation.ts';
import type { HandSocket } from './hand-socket.ts';
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

class Real {
  readonly world: World;
  readonly sockets: HandSocket[];

  constructor(world: World) {
    this.world = world;
    this.sockets = Array.from({ length: CLIENTS }, () => world.connect());
  }
}
type Step = fc.AsyncCommand<Model, Real>;

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

/** A client asks. Its bytes come in pieces of these lengths, and some may be held back until it asks again. */
class Ask implements Step {
  readonly #id: number;
  readonly #requests: Request[];
  readonly #lengths: number[];
  readonly #heldBackBytes: number;

  constructor(id: number, requests: Request[], lengths: number[], heldBackBytes: number) {
    this.#id = id;
    this.#requests = requests;
    this.#lengths = lengths;
    this.#heldBackBytes = heldBackBytes;
  }

  check({ clients }: Model): boolean {
    return clients[this.#id]!.isOpen;
  }

  async run(model: Model, real: Real): Promise<void> {
    const client = model.clients[this.#id]!;
    client.ask(this.#requests);
    const bytes = client.send(this.#heldBackBytes);
    let at = 0;
    for (const length of [...this.#lengths, bytes.length]) {
      if (at < bytes.length) real.sockets[this.#id]!.clientSends(bytes.subarray(at, at + length));
      at += length;
    }
    await expectSame(model, real);
  }

  toString(): string {
    const cuts = this.#lengths.length === 0 ? '' : `, cut ${this.#lengths}`;
    const back = this.#heldBackBytes === 0 ? '' : `, but ${this.#heldBackBytes} bytes`;
    return `client ${this.#id} asks(${brief(this.#requests)}${cuts}${back})`;
  }
}

type Deed = 'pauses' | 'reads' | 'ends' | 'ends without line end' | 'resets';

class Do implements Step {
  readonly #id: number;
  readonly #deed: Deed;

  constructor(id: number, deed: Deed) {
    this.#id = id;
    this.#deed = deed;
  }

  check({ clients }: Model): boolean {
    const client = clients[this.#id]!;
    if (this.#deed === 'pauses') return !client.isPaused;
    if (this.#deed === 'reads') return client.isPaused;
    return client.isOpen;
  }

  async run(model: Model, real: Real): Promise<void> {
    const client = model.clients[this.#id]!;
    const socket = real.sockets[this.#id]!;
    switch (this.#deed) {
      case 'pauses':
        client.isPaused = true;
        socket.clientPauses();
        break;
      case 'reads':
        client.isPaused = false;
        socket.clientReads();
        break;
      case 'ends':
      case 'ends without line end': {
        const rest = this.#deed === 'ends' ? client.unsent : client.unsent.slice(0, -1);
        if (rest !== '') socket.clientSends(Buffer.from(rest));
        client.unsent = '';
        client.hasEnded = true;
        socket.clientEnds();
        break;
      }
      case 'resets':
        client.isReset = true;
        socket.clientResets();
        break;
    }
    await expectSame(model, real);
  }

  toString(): string {
    return `client ${this.#id} ${this.#deed}`;
  }
}

class Work implements Step {
  readonly #worker: number;
  readonly #most: number;

  constructor(worker: number, most: number) {
    this.#worker = worker;
    this.#most = most;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    real.world.work(this.#worker, this.#most);
    await expectSame(model, real);
  }

  toString(): string {
    return `worker ${this.#worker} applies ${this.#most}`;
  }
}

class Die implements Step {
  readonly #worker: number;
  readonly #eventsIn: number;

  constructor(worker: number, eventsIn: number) {
    this.#worker = worker;
    this.#eventsIn = eventsIn;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    real.world.die(this.#worker, this.#eventsIn);
    await expectSame(model, real);
  }

  toString(): string {
    return `worker ${this.#worker} dies ${this.#eventsIn} events in`;
  }
}

class Pass implements Step {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await real.world.pass(this.#ms);
    await expectSame(model, real);
  }

  toString(): string {
    return `${this.#ms} ms pass`;
  }
}

/** Everybody reads and says that this was all, and the workers do what there is: nobody may be left waiting. */
async function end(model: Model, real: Real): Promise<void> {
  const { world, sockets } = real;
  const does = async (id: number, deed: Deed) => {
    const step = new Do(id, deed);
    if (step.check(model)) await step.run(model, real);
  };
  for (const id of sockets.keys()) await does(id, 'reads');
  for (let round = 0; round < 1_000 && !world.engine.workers.areAllReady; round++) await world.pass(10);
  for (const id of sockets.keys()) await does(id, 'ends');
  for (let round = 0; round < 1_000 && !(world.isIdle && world.listener.connections.size === 0); round++)
    await world.workAll();
  await expectSame(model, real);
  assert.equal(world.isIdle, true);
  assert.equal(world.listener.connections.size, 0);
  assert.equal(world.engine.counts().queued, 0);

  // Only an event that was accepted makes a user.
  if (!model.clients.some(client => client.isReset)) {
    const users = model.clients.reduce((sum, client) => sum + client.balances.size, 0);
    assert.equal(world.engine.directory.users, users);
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
  .map(([id, requests, lengths, heldBackBytes]) => new Ask(id, requests, lengths, heldBackBytes));
const workArbitrary = fc
  .tuple(workerArbitrary, fc.integer({ min: 1, max: 8 }))
  .map(([worker, most]) => new Work(worker, most));

const mailMsArbitrary = fc.constantFrom(0, 0, 5);

const commandsArbitrary = fc.commands<Model, Real, false>(
  [
    askArbitrary,
    askArbitrary,
    askArbitrary,
    askArbitrary,
    idArbitrary.map(id => new Ask(id, METRICS, [], 0)),
    workArbitrary,
    workArbitrary,
    workArbitrary,
    fc.tuple(workerArbitrary, fc.nat(3)).map(([worker, eventsIn]) => new Die(worker, eventsIn)),
    fc.integer({ min: 1, max: 60 }).map(ms => new Pass(ms)),
    fc
      .tuple(
        idArbitrary,
        fc.constantFrom<Deed>('pauses', 'pauses', 'reads', 'ends', 'ends without line end', 'resets'),
      )
      .map(([id, deed]) => new Do(id, deed)),
    fc.tuple(idArbitrary, fc.constantFrom<Deed>('pauses', 'reads')).map(([id, deed]) => new Do(id, deed)),
  ],
  { maxCommands: 40, size: 'max' },
);

test('every request gets one reply, in order, whatever the clients and the workers do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(2, 4, 8),
      mailMsArbitrary,
      commandsArbitrary,
      async (ring, mailMs, commands) => {
        const world = await World.open([...FLAGS, '--ring', String(ring)], mailMs);
        try {
          const model = { clients: Array.from({ length: CLIENTS }, (_, id) => new Conversation(id)) };
          const real = new Real(world);
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
