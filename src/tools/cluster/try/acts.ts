/** What is done to the servers, and told: killing one, measuring what that holds up, and bringing it back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../../../cli/terminal/command.ts';
import { streamsOf } from './nats-look.ts';
import type { TrialNode } from './node.ts';
import type { Trial } from './trial.ts';

const LOOK_MS = 20;
/** Without a leader for longer, nothing will come by itself. */
const OUTAGE_MS_MAX = 60_000;
const NOTICED_MS = 100;

export class Acts {
  readonly #trial: Trial;
  readonly #say: (what: string) => void;
  #kills = 0;

  /** `say` is told each thing that happens, in one line. */
  constructor(trial: Trial, say: (what: string) => void) {
    this.#trial = trial;
    this.#say = say;
  }

  /** Kills the node with this place, or brings it back. */
  async toggleNode(place: number): Promise<void> {
    const node = this.#trial.nodes[place]!;
    await this.#tried(() => (node.isRunning ? this.killNode(node) : this.reviveNode(node)));
  }

  async toggleNats(place: number): Promise<void> {
    const { name, isRunning } = this.#trial.nats.servers[place]!;
    await this.#tried(() => (isRunning ? this.killNats(name) : this.reviveNats(name)));
  }

  toggleLoad(): void {
    const { load } = this.#trial;
    load.isOn = !load.isOn;
    this.#say(`the load is ${load.isOn ? 'on' : 'off'}`);
  }

  /** Resolves when what it holds up goes on. Throws a `CommandError` if it does not. */
  async killNode(node: TrialNode): Promise<void> {
    this.#say(`kill -9 of ${node.name}: its clients go on at another node`);
    await this.#trial.killNode(node);
    await this.#untilAnswered();
  }

  /** As `killNode`. */
  async killNats(name: string): Promise<void> {
    await this.#trial.look();
    const leads = this.#trial.natsLooks.find(look => look.name === name)?.leads ?? 0;
    this.#say(`kill -9 of ${name}, which leads ${leads} of ${streamsOf(this.#trial.natsLooks)} streams`);
    await this.#trial.killNats(name);
    await this.#untilAnswered();
  }

  async reviveNode(node: TrialNode): Promise<void> {
    const startMs = performance.now();
    this.#say(`${node.name} is started again; first it waits: does the old one live?`);
    await this.#trial.reviveNode(node);
    if (node.hasJoined) this.#say(`${node.name} is back, and has all that it missed (${since(startMs)})`);
  }

  async reviveNats(name: string): Promise<void> {
    const startMs = performance.now();
    this.#say(`${name} is started again`);
    await this.#trial.reviveNats(name);
    this.#say(`${name} is back, and well (${since(startMs)})`);
  }

  /** Of the last kill only: those before it can't be told apart from it. */
  async #untilAnswered(): Promise<void> {
    this.#kills += 1;
    const { load } = this.#trial;
    const own = this.#kills;
    const startMs = performance.now();
    const isMeasured = () => own === this.#kills && load.isOn;
    while (isMeasured() && !load.outage().isOver) {
      if (performance.now() - startMs > OUTAGE_MS_MAX)
        throw new CommandError(`nothing was acknowledged for ${since(startMs)}`);
      await sleep(LOOK_MS, undefined, { ref: false });
    }
    if (isMeasured()) this.#say(outageText(load.outage().longestMs));
  }

  async #tried(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
    }
  }
}

/** What a kill has held up; a wait as short as without a kill is none. */
export function outageText(longestMs: number): string {
  const longest = secondsText(longestMs);
  return longestMs < NOTICED_MS
    ? `nothing was held up: each acknowledgement came within ${longest}`
    : `acknowledgements had stopped for ${longest}`;
}

function since(startMs: number): string {
  return secondsText(performance.now() - startMs);
}

export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
