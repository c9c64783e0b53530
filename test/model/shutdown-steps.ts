/** The commands of the model of the shutdown: what clients, workers, time and signals do, and what must hold after each. */
import assert from 'node:assert/strict';
import type fc from 'fast-check';
import { vi } from 'vitest';
import { Shutdown, type Signal } from '../../src/server/shutdown.ts';
import { brief, Conversation, isLateReply, isReplyOfDraining, type Request } from './conversation.ts';
import type { HandSocket } from './hand-socket.ts';
import type { World } from './world.ts';

export const CLIENTS = 3;
export const WORKERS = 2;
/** A second Ctrl+C within this time of the first is the same key press. */
export const SAME_KEY_MS = 100;
export const SHUTDOWN_MS_MAX = 400;
export const JOIN_MS_MAX = 10;
/** What the stages may take one after the other, and some looks whether they are done. */
export const STAGES_MS_MAX = 250 + 40 + 2 * JOIN_MS_MAX + 10;
export const FLAGS = [
  ...['--workers', String(WORKERS), '--unsent-bytes-max', '16384'],
  ...['--drain-ms-max', '250', '--grace-ms-max', '40', '--join-ms-max', String(JOIN_MS_MAX)],
  ...['--shutdown-ms-max', String(SHUTDOWN_MS_MAX)],
];

export class Model {
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

export class Real {
  readonly world: World;
  readonly sockets: HandSocket[];
  readonly #handlers = new Map<string, (signal: Signal) => void>();

  constructor(world: World) {
    this.world = world;
    const watch = vi.spyOn(process, 'on').mockImplementation((event, handler) => {
      this.#handlers.set(String(event), handler as (signal: Signal) => void);
      return process;
    });
    const { service, listener } = world;
    new Shutdown(service, listener, service.log).watchSignals();
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
export type Step = fc.AsyncCommand<Model, Real>;

export async function expectSame(model: Model, { world, sockets }: Real): Promise<void> {
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
}

/** A client asks. Some bytes of its last line may be held back until it asks again. */
export class Ask implements Step {
  readonly #id: number;
  readonly #requests: Request[];
  readonly #heldBackBytes: number;

  constructor(id: number, requests: Request[], heldBackBytes = 0) {
    this.#id = id;
    this.#requests = requests;
    this.#heldBackBytes = heldBackBytes;
  }

  check({ clients }: Model): boolean {
    return clients[this.#id]!.isOpen;
  }

  async run(model: Model, real: Real): Promise<void> {
    const client = model.clients[this.#id]!;
    client.ask(this.#requests);
    real.sockets[this.#id]!.clientSends(client.send(this.#heldBackBytes));
    await expectSame(model, real);
  }

  toString(): string {
    const back = this.#heldBackBytes === 0 ? '' : `, but ${this.#heldBackBytes} bytes`;
    return `client ${this.#id} asks(${brief(this.#requests)}${back})`;
  }
}

export type Deed = 'pauses' | 'reads' | 'ends' | 'resets';

export class Do implements Step {
  readonly #id: number;
  readonly #deed: Deed;

  constructor(id: number, deed: Deed) {
    this.#id = id;
    this.#deed = deed;
  }

  check({ clients }: Model): boolean {
    return clients[this.#id]!.isOpen;
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
        // It may be too late for its replies: what it hears is still checked, but nothing has to come.
        socket.clientReads();
        break;
      case 'ends':
        if (client.unsent !== '') socket.clientSends(client.send());
        client.hasEnded = true;
        socket.clientEnds();
        break;
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

export class SetPace implements Step {
  readonly #worker: number;
  readonly #pace: number;

  constructor(worker: number, pace: number) {
    this.#worker = worker;
    this.#pace = pace;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    model.paces[this.#worker] = this.#pace;
    if (model.signal !== undefined && this.#pace === 0) model.areWorkersHindered = true;
    await expectSame(model, real);
  }

  toString(): string {
    return `worker ${this.#worker} applies ${this.#pace} a ms`;
  }
}

export class Die implements Step {
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
    if (model.signal !== undefined) model.areWorkersHindered = true;
    real.world.die(this.#worker, this.#eventsIn);
    await expectSame(model, real);
  }

  toString(): string {
    return `worker ${this.#worker} dies ${this.#eventsIn} events in`;
  }
}

export class Pass implements Step {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    const { world } = real;
    await world.pass(this.#ms, () => {
      for (const [worker, pace] of model.paces.entries()) if (pace > 0) world.work(worker, pace);
    });
    model.nowMs += this.#ms;
    await expectSame(model, real);
  }

  toString(): string {
    return `${this.#ms} ms pass`;
  }
}

export class Send implements Step {
  readonly #signal: Signal;

  constructor(signal: Signal) {
    this.#signal = signal;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    const { signal, nowMs } = model;
    const isStopped = real.stopped !== undefined;
    if (signal === undefined) {
      model.signal = { name: this.#signal, atMs: nowMs };
      model.areWorkersHindered = !real.world.areWorkersReady || model.paces.includes(0);
      model.arrivedBytes.push(...real.sockets.map(socket => socket.arrivedBytes));
    } else {
      const isSameKey =
        signal.name === 'SIGINT' && this.#signal === 'SIGINT' && nowMs - signal.atMs < SAME_KEY_MS;
      if (!isSameKey && !isStopped) model.secondSignal ??= this.#signal;
    }
    real.signal(this.#signal);
    await expectSame(model, real);
    if (model.secondSignal !== undefined)
      assert.ok(real.stopped !== undefined, 'a second signal ends it at once');
  }

  toString(): string {
    return this.#signal;
  }
}
