/**
 * What the explorer knows of its threads at one moment of a run, and what can happen next.
 */
import { BEGIN, type Choice, isWriting, type Pending, type Variant } from './operations.ts';
import type { Budget, Ending, Scenario } from './scenario.ts';

/** Waits that run out because nothing else can happen, at most: an idle worker would park for ever. */
const IDLE_TIME_OUTS_MAX = 8;

type Status = 'not started' | 'running' | 'finished' | 'dead';

export class Model {
  readonly pending: Pending[];
  readonly status: Status[];
  /** Whether somebody else has written since the thread last paused. */
  readonly #hasNews: boolean[];
  readonly #isWoken: boolean[];
  /** Threads asleep and not woken, in the order in which they fell asleep. */
  #sleepers: number[];
  readonly #left: Budget;
  #idleTimeOuts: number;

  private constructor(of: Model | Scenario) {
    if (of instanceof Model) {
      this.pending = [...of.pending];
      this.status = [...of.status];
      this.#hasNews = [...of.#hasNews];
      this.#isWoken = [...of.#isWoken];
      this.#sleepers = [...of.#sleepers];
      this.#left = { ...of.#left };
      this.#idleTimeOuts = of.#idleTimeOuts;
    } else {
      this.pending = of.threads.map(() => BEGIN);
      this.status = of.threads.map(() => 'not started');
      this.#hasNews = of.threads.map(() => false);
      this.#isWoken = of.threads.map(() => false);
      this.#sleepers = [];
      this.#left = { ...of.budget };
      this.#idleTimeOuts = IDLE_TIME_OUTS_MAX;
    }
  }

  static start(scenario: Scenario): Model {
    return new Model(scenario);
  }

  copy(): Model {
    return new Model(this);
  }

  /** The threads, as bits, that a `notify` of this thread would wake. */
  wokenBy(thread: number): number {
    const { address, value } = this.pending[thread]!;
    return this.#sleepers
      .filter(sleeper => this.pending[sleeper]!.address === address)
      .slice(0, value)
      .reduce((bits, sleeper) => bits | (1 << sleeper), 0);
  }

  /** A thread took this choice and has stopped again; `next` is what it would do now. */
  advance({ thread, variant }: Choice, isIdle: boolean, next: Pending): void {
    const { operation } = this.pending[thread]!;
    if (variant === 'timeOut' && isIdle) this.#idleTimeOuts -= 1;
    else if (variant === 'timeOut') this.#left.timeOuts -= 1;
    else if (variant === 'wakeForNothing') this.#left.wakesForNothing -= 1;
    else if (variant === 'die') this.#left.deaths -= 1;

    if (variant === 'run' && operation === 'notify') {
      const woken = this.wokenBy(thread);
      this.#sleepers = this.#sleepers.filter(sleeper => (woken & (1 << sleeper)) === 0);
      for (let other = 0; other < this.pending.length; other++)
        if ((woken & (1 << other)) !== 0) this.#isWoken[other] = true;
    }
    if (operation === 'asleep') {
      this.#sleepers = this.#sleepers.filter(sleeper => sleeper !== thread);
      this.#isWoken[thread] = false;
    }
    if (variant === 'run' && operation === 'pause') this.#hasNews[thread] = false;
    if (variant === 'run' && isWriting(operation))
      for (let other = 0; other < this.#hasNews.length; other++)
        if (other !== thread) this.#hasNews[other] = true;

    this.pending[thread] = next;
    this.status[thread] = variant === 'die' ? 'dead' : next.operation === 'end' ? 'finished' : 'running';
    if (next.operation === 'asleep') this.#sleepers.push(thread);
  }

  /** All that can happen next; nothing if the run is over. `isIdle`: nothing but a wait that runs out. */
  choices(scenario: Scenario, last: number): { choices: Choice[]; isIdle: boolean } {
    // Whatever the others do meanwhile: such an operation is the same before and after. It is a stop for a death only.
    const unnoticed = this.pending.findIndex(
      ({ isVisible }, thread) => !isVisible && this.status[thread] === 'running',
    );
    if (unnoticed !== -1)
      return { choices: [choice(unnoticed, 'run'), ...this.#deathOf(unnoticed, scenario)], isIdle: false };

    // The thread that ran last comes first, so that the first schedules change threads as seldom as they can.
    const order = [last, ...this.pending.keys()].filter((thread, at) => thread !== last || at === 0);
    const natural = order
      .filter(thread => this.#canRun(thread, scenario))
      .map(thread => choice(thread, 'run'));
    const sleepers = this.#sleepers.filter(thread => Number.isFinite(this.pending[thread]!.other));
    const isIdle = natural.length === 0;
    if (isIdle && (sleepers.length === 0 || this.#idleTimeOuts === 0)) return { choices: [], isIdle };

    const choices = [...natural];
    if (isIdle || this.#left.timeOuts > 0) choices.push(...sleepers.map(thread => choice(thread, 'timeOut')));
    if (this.#left.wakesForNothing > 0)
      choices.push(...this.#sleepers.map(thread => choice(thread, 'wakeForNothing')));
    for (const thread of order) choices.push(...this.#deathOf(thread, scenario));
    return { choices, isIdle };
  }

  /** Threads that may still do something while this one lives, as bits: those that run, and successors of others. */
  activeBeside(thread: number, { threads }: Scenario): number {
    return this.status.reduce((bits, status, other) => {
      const waitsForIt = status === 'not started' && isSuccessor(threads, other, thread);
      return status === 'finished' || status === 'dead' || waitsForIt ? bits : bits | (1 << other);
    }, 0);
  }

  endings(): Ending[] {
    return this.pending.map(({ operation }, thread) => {
      const status = this.status[thread]!;
      if (status !== 'running') return status;
      return operation === 'pause' ? 'spinning' : 'asleep';
    });
  }

  /** All of the above as two numbers, for comparing. */
  hashes(): [number, number] {
    let one = this.#idleTimeOuts;
    let other = this.#idleTimeOuts;
    const add = (value: number) => {
      one = Math.imul(one ^ value, 0x9e3779b1) ^ (one >>> 15);
      other = Math.imul(other + value, 0x85ebca6b) ^ (other >>> 13);
    };
    for (const status of this.status) add(status.length);
    for (const flag of [...this.#hasNews, ...this.#isWoken]) add(flag ? 2 : 1);
    for (const sleeper of this.#sleepers) add(sleeper + 3);
    for (const left of Object.values(this.#left)) add(left);
    return [one, other];
  }

  #canRun(thread: number, { threads }: Scenario): boolean {
    switch (this.pending[thread]!.operation) {
      case 'end':
        return false;
      case 'begin':
        return this.status[threads[thread]!.succeeds!] === 'dead';
      case 'asleep':
        return this.#isWoken[thread]!;
      case 'pause':
        return this.#hasNews[thread]!;
      default:
        return true;
    }
  }

  #deathOf(thread: number, { threads }: Scenario): Choice[] {
    const canDie = threads[thread]!.mayDie === true && this.status[thread] === 'running';
    return canDie && this.#left.deaths > 0 ? [choice(thread, 'die')] : [];
  }
}

/** Whether the one can only start when the other is dead. */
function isSuccessor(threads: Scenario['threads'], one: number, other: number): boolean {
  const { succeeds } = threads[one]!;
  return succeeds !== undefined && (succeeds === other || isSuccessor(threads, succeeds, other));
}

function choice(thread: number, variant: Variant): Choice {
  return { thread, variant };
}
