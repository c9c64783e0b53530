/**
 * A scenario on its stage: its memory, its threads, and what one run of them takes. Every run starts from the same
 * memory; the threads stay, and begin anew.
 */
import { Worker } from 'node:worker_threads';
import { Box } from './box.ts';
import { paddedBytes } from './gate.ts';
import { Model } from './model.ts';
import { type Choice, CODES } from './operations.ts';
import { Races, THREADS_MAX } from './races.ts';
import type { NamedWord, Scenario, Verdict } from './scenario.ts';
import { scenarioOf } from './scenarios.ts';
import { Sharing } from './sharing.ts';
import type { ThreadStart } from './thread.ts';

export class Stage {
  readonly scenario: Scenario;
  readonly sharing: Sharing;
  readonly #memory: unknown;
  readonly #explored: readonly SharedArrayBuffer[];
  /** The explored memory, and how it is at the start. */
  readonly #live: Int32Array[];
  readonly #originals: Int32Array[];
  readonly #shown: NamedWord[];
  readonly #boxes: Box[];
  readonly #races: Races;
  readonly #workers: Worker[];

  /** `folder`: where the modules to explore are, if they are not the shipped ones. */
  static async open(name: string, folder = new URL('.', import.meta.url)): Promise<Stage> {
    const stage = new Stage(await scenarioOf(name), folder);
    await Promise.all(stage.#workers.map(ready));
    return stage;
  }

  private constructor(scenario: Scenario, folder: URL) {
    if (scenario.threads.length > THREADS_MAX)
      throw new Error(`${scenario.name} has more than ${THREADS_MAX} threads`);
    this.scenario = scenario;
    this.#memory = scenario.create();
    this.#explored = scenario.explored(this.#memory);
    this.#live = this.#explored.map(buffer => new Int32Array(buffer, 0, buffer.byteLength >> 2));
    this.#originals = this.#live.map(words => new Int32Array(words));
    const words = scenario.words(this.#memory);
    this.#shown = words.filter(({ name }) => scenario.shown === undefined || scenario.shown.includes(name));
    const bytes = this.#explored.reduce((sum, buffer) => sum + paddedBytes(buffer), 0);
    this.#races = Races.forMemory(bytes);
    this.sharing = Sharing.forMemory(bytes);
    this.#boxes = scenario.threads.map(() => new Box());
    this.#workers = scenario.threads.map(({ mayDie = false }, thread) => {
      const start: ThreadStart = {
        scenario: scenario.name,
        thread,
        memory: this.#memory,
        explored: this.#explored,
        plain: scenario.plain?.(this.#memory) ?? [],
        mayDie,
        box: this.#boxes[thread]!.buffer,
        races: this.#races.buffer,
        sharing: this.sharing.buffer,
      };
      return createThread(folder, start);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(worker => worker.terminate()));
  }

  /** Puts everything back, and has every thread go to its first stop. */
  begin(): Model {
    for (const [index, words] of this.#live.entries()) words.set(this.#originals[index]!);
    this.#races.reset();
    const model = Model.start(this.scenario);
    for (const [thread, { succeeds }] of this.scenario.threads.entries()) {
      if (succeeds !== undefined) continue;
      this.#setActive(model, thread);
      this.#boxes[thread]!.grant('run', 0);
      model.advance({ thread, variant: 'run' }, false, this.#boxes[thread]!.pending);
    }
    return model;
  }

  /** Has a thread do what was chosen, and go to its next stop. The model comes along by `advance`. */
  grant(model: Model, { thread, variant }: Choice): void {
    const { operation } = model.pending[thread]!;
    this.#setActive(model, thread);
    if (operation === 'begin') {
      this.#races.succeed(thread, this.scenario.threads[thread]!.succeeds!);
      this.#boxes[thread]!.grant('run', 0);
    } else {
      const woken = operation === 'notify' && variant === 'run' ? model.wokenBy(thread) : 0;
      this.#boxes[thread]!.grant(variant, 1, woken);
    }
  }

  /** The same for so many simple operations of a thread, one behind the other. */
  grantMany(model: Model, thread: number, operations: number): void {
    this.#setActive(model, thread);
    this.#boxes[thread]!.grant('run', operations);
  }

  advance(model: Model, choice: Choice, isIdle: boolean): void {
    model.advance(choice, isIdle, this.#boxes[choice.thread]!.pending);
  }

  /** Ends what still runs, wherever it is. */
  abandon(model: Model): void {
    for (const [thread, status] of model.status.entries())
      if (status === 'running') this.#boxes[thread]!.grant('abandon', 0);
  }

  /** What has gone wrong so far, whatever may still come. `isIdle`: nothing can but a wait that runs out. */
  complaint(isIdle: boolean): Verdict | undefined {
    const { found } = this.#races;
    if (found !== undefined && this.scenario.isWrongOnPurpose !== true)
      return { isWrong: true, outcome: `a data race on ${this.nameOf(found)}` };
    for (const [thread, box] of this.#boxes.entries())
      if (box.message !== '')
        return { isWrong: true, outcome: `${this.scenario.threads[thread]!.name}: ${box.message}` };
    const broken =
      this.scenario.invariant?.(this.#memory) ?? (isIdle ? this.scenario.idle?.(this.#memory) : undefined);
    return broken === undefined ? undefined : { isWrong: true, outcome: broken };
  }

  /** What came of a run that is over. */
  verdict(model: Model): Verdict {
    return this.scenario.verdict(this.#memory, model.endings());
  }

  /** What the last operation of a thread gave, and how many it did behind it without a stop. */
  lastOf(thread: number): { result: number; passed: number } {
    const { result, passed } = this.#boxes[thread]!;
    return { result, passed };
  }

  get shownNames(): string[] {
    return this.#shown.map(({ name }) => name);
  }

  shownValues(): number[] {
    return this.#shown.map(({ view, index }) => Number(view[index]));
  }

  /** What a word is called at an address of the explored memory. */
  nameOf(address: number): string {
    let base = 0;
    for (const buffer of this.#explored) {
      const at = address - base;
      base += paddedBytes(buffer);
      if (at >= paddedBytes(buffer)) continue;
      const word = this.scenario.words(this.#memory).find(({ view, index }) => {
        const from = view.byteOffset + index * view.BYTES_PER_ELEMENT;
        return view.buffer === buffer && from <= at && at < from + view.BYTES_PER_ELEMENT;
      });
      return word?.name ?? `byte ${at}`;
    }
    throw new RangeError(`address ${address} is behind the explored memory`);
  }

  /** 53 bits of hash over all that decides what can still happen. */
  key(model: Model): number {
    let one = 0;
    let other = 0;
    const add = (word: number) => {
      one = Math.imul(one ^ word, 0x9e3779b1);
      one ^= one >>> 15;
      other = Math.imul(other + word, 0x85ebca6b) ^ (other >>> 13);
    };
    for (const hash of [...this.#races.hashes, ...model.hashes()]) add(hash);
    // Who waits to pause has seen no more than who has paused.
    for (const { operation, address } of model.pending) {
      add(CODES[operation]);
      add(address);
    }
    for (const { seen } of this.#boxes) {
      add(seen[0]!);
      add(seen[1]!);
    }
    for (const words of this.#live) for (let at = 0; at < words.length; at++) add(words[at]!);
    return (one >>> 0) * 2 ** 21 + (other >>> 11);
  }

  #setActive(model: Model, thread: number): void {
    this.sharing.active = model.activeBeside(thread, this.scenario);
  }
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
  });
}

/** From source, a thread needs the loader. */
function createThread(folder: URL, workerData: ThreadStart): Worker {
  const isSource = import.meta.url.endsWith('.ts') && folder.href === new URL('.', import.meta.url).href;
  const file = new URL(isSource ? 'thread.ts' : 'thread.js', folder);
  const execArgv = isSource ? ['--import', new URL('../kit/register.mjs', import.meta.url).href] : [];
  return new Worker(file, { workerData, execArgv });
}
