/**
 * The server in one thread, moved by hand: the real engine, listener and sessions, with workers, sockets
 * and time that stand still until a command moves them. So every interleaving is one that fast-check has chosen, and
 * can repeat and shrink.
 *
 * A test file that uses it has to put `HandWorker` in the place of `Worker`, and keep the server that `createServer`
 * makes (stand-ins.ts), because a module can only be replaced from the test file itself.
 */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { vi } from 'vitest';
import { THIS_MACHINE } from '../../src/config/machine.ts';
import { readSettings } from '../../src/config/read.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { ExtraKind } from '../../src/engine/extra.ts';
import { Lane } from '../../src/engine/lane.ts';
import type { NoRoom } from '../../src/engine/owners.ts';
import type { Position } from '../../src/engine/position.ts';
import { Log, type LogStream } from '../../src/log.ts';
import { Listener } from '../../src/net/listener.ts';
import { Outcome } from '../../src/protocol/outcome.ts';
import type { ParsedRequest } from '../../src/protocol/request.ts';
import { assemble } from '../../src/server/assemble.ts';
import type { Sessions } from '../../src/session/sessions.ts';
import { isLegal } from '../../src/session/state.ts';
import { readByHand } from './hand-reading.ts';
import { HandSocket } from './hand-socket.ts';
import { HandWorker } from './hand-worker.ts';
import { takeConnection } from './stand-ins.ts';

/** An event that the engine was handed, as seen from outside it. */
export interface Submitted {
  outcome: Outcome;
  /** What the ring of its owner held, by the accounts of this file. */
  depthBefore: number;
  /** It needs a slot, and nothing else. */
  isPlain: boolean;
}

export class World {
  readonly settings: Settings;
  readonly sessions: Sessions;
  readonly listener: Listener;
  readonly engine: Engine;
  readonly ringSlots: number;
  /** Since the last look at them. */
  readonly submitted: Submitted[] = [];
  /** The lines that the server has logged. */
  readonly logged: Record<string, unknown>[] = [];
  acceptedEvents = 0;
  appliedEvents = 0;
  /** What lies in each worker's ring: an event, only the reading of a balance, or what a transfer owes. */
  readonly #rings: ('event' | 'reading' | 'half')[][];

  private constructor(flags: string[]) {
    const settings = readSettings(flags, {}, { ...THIS_MACHINE, descriptors: 1_000 });
    const stream = {
      isTTY: false,
      on: () => {},
      write: (line: string) => void this.logged.push(JSON.parse(line) as Record<string, unknown>),
    };
    const log = new Log(settings, stream as unknown as LogStream);
    const { engine, sessions } = assemble(settings, log);
    this.settings = settings;
    this.engine = engine;
    this.sessions = sessions;
    this.listener = new Listener(sessions, settings, readByHand);
    this.listener.add({ is: 'tcp', host: '', port: 0, isTls: false, isProxied: false });
    this.ringSlots = settings.ring;
    this.#rings = Array.from({ length: settings.workers }, () => []);
    this.#watchSubmissions();
    this.#watchTransfers();
  }

  /**
   * `mailMs`: how long a worker's message is under way; 0: until the event loop comes to it.
   * `isBusy`: the time of every turn is spent when something comes, so all of it waits for the next one.
   */
  static async open(flags: string[], mailMs = 0, isBusy = false): Promise<World> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    HandWorker.atWork.clear();
    HandWorker.mailMs = mailMs;
    HandWorker.mailUnderWay = 0;
    const world = new World(['--users', '64', '--log-format', 'json', ...flags]);
    if (isBusy) world.sessions.scheduler.mayServe = () => false;
    await world.engine.workers.start();
    return world;
  }

  /** A client comes. */
  connect(): HandSocket {
    const socket = new HandSocket();
    takeConnection(socket);
    return socket;
  }

  get areWorkersReady(): boolean {
    return this.engine.workers.areAllReady;
  }

  /** Everybody is at work, and has nothing to do. */
  get isIdle(): boolean {
    return (
      this.engine.workers.areAllReady &&
      HandWorker.mailUnderWay === 0 &&
      this.#rings.every(ring => ring.length === 0)
    );
  }

  /** Events were refused just when the ring of their owner was full; those that need more than a slot, perhaps before. */
  expectRefusedWhenFull(): void {
    for (const { outcome, depthBefore, isPlain } of this.submitted.splice(0)) {
      if (!isPlain && outcome === Outcome.serverBusy) continue;
      const wanted = depthBefore < this.ringSlots ? Outcome.accepted : Outcome.serverBusy;
      assert.equal(outcome, wanted, `with ${depthBefore} of ${this.ringSlots} slots taken`);
    }
  }

  /** Lets everything happen that can without workers, clients and time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 10; turn++) {
      await nextTurn();
      this.#expectLegal();
    }
  }

  /** One worker applies at most so many events. */
  work(worker: number, most: number): void {
    const applied = this.#rings[worker]!.splice(0, HandWorker.atWork.get(worker)?.work(most) ?? 0);
    this.appliedEvents += applied.filter(kind => kind === 'event').length;
  }

  /** Every worker applies all there is. */
  async workAll(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const worker of this.#rings.keys()) this.work(worker, this.ringSlots);
      await this.settle();
    }
    await this.pass(HandWorker.mailMs);
  }

  die(worker: number, eventsIn: number): void {
    HandWorker.atWork.get(worker)?.die(eventsIn);
  }

  /** Time passes, a millisecond after another. */
  async pass(ms: number, eachMs: () => void = () => {}): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      vi.advanceTimersByTime(1);
      eachMs();
      await nextTurn();
      await nextTurn();
      this.#expectLegal();
    }
    await this.settle();
  }

  async close(): Promise<void> {
    this.sessions.destroy();
    this.engine.workers.terminate();
    await this.settle();
    vi.useRealTimers();
  }

  /** Whatever was done, the three words of every session are ones that may stand together. */
  #expectLegal(): void {
    for (const { state } of this.sessions.all) assert.ok(isLegal(state), JSON.stringify(state));
  }

  /** Notes each event's outcome, with what the ring held before it. */
  #watchSubmissions(): void {
    const { engine } = this;
    const ringOf = (hash: number) => this.#rings[engine.users.workerOf(hash)]!;
    const noted =
      <Result extends Outcome | NoRoom | Position, More extends unknown[]>(
        submit: (event: ParsedRequest, ...more: More) => Result,
        isPlain = false,
      ) =>
      (event: ParsedRequest, ...more: More): Result => {
        const ring = ringOf(event.hash);
        const depthBefore = ring.length;
        const result = submit(event, ...more);
        const outcome: Outcome = typeof result === 'number' ? (result as Outcome) : Outcome.accepted;
        if (outcome === Outcome.accepted) {
          ring.push('event');
          this.acceptedEvents += 1;
        }
        this.submitted.push({ outcome, depthBefore, isPlain });
        return result;
      };
    engine.submit = noted<Outcome | NoRoom, []>(engine.submit.bind(engine), true);
    engine.submitPromised = noted<Outcome | NoRoom, [number]>(engine.submitPromised.bind(engine));
    engine.submitAsking = noted<Outcome | NoRoom | Position, []>(engine.submitAsking.bind(engine));
    engine.submitTransfer = noted<Outcome | NoRoom | Position, []>(engine.submitTransfer.bind(engine));
    const askBalance = engine.askBalance.bind(engine);
    engine.askBalance = name => {
      const position = askBalance(name);
      if (position !== undefined) ringOf(name.hash).push('reading');
      return position;
    };
  }

  /** Notes the second halves of transfers, which the engine pushes by itself. */
  #watchTransfers(): void {
    const lanes: Lane[] = [];
    const command = vi.spyOn(Lane.prototype, 'command').mockImplementation(function (this: Lane) {
      lanes.push(this);
    });
    // It commands each lane, in their order.
    this.engine.experiments.freeze(false);
    command.mockRestore();
    for (const [worker, lane] of lanes.entries()) {
      const push = lane.tryAskRich.bind(lane);
      lane.tryAskRich = (...of) => {
        const isIn = push(...of);
        if (isIn && (of[3] ?? ExtraKind.event) >= ExtraKind.credit) this.#rings[worker]!.push('half');
        return isIn;
      };
    }
  }
}
