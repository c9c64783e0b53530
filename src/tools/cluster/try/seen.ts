/** What is shown of a trial: the looks at its servers and at its load, and who was seen making a snapshot. */
import { foldedFor } from '../../../cli/terminal/prose.ts';
import type { Trial } from './trial.ts';
import { foundText, type LoadView, type NodeRow, type TrialView } from './view.ts';

export class Seen {
  readonly #trial: Trial;
  /** The name of the node that was seen making one last. */
  #maker = '';

  constructor(trial: Trial) {
    this.#trial = trial;
  }

  view(): Pick<TrialView, 'nodes' | 'nats' | 'load'> {
    const { nodes, natsLooks } = this.#trial;
    for (const { name, look } of nodes) if (look.figures?.makesSnapshots) this.#maker = name;
    const rows = nodes.map(
      ({ name, address, page, look, complaint }): NodeRow => ({
        ...{ name, address, page, look, complaint },
        madeSnapshot: name === this.#maker,
      }),
    );
    return { nodes: rows, nats: natsLooks, load: this.load };
  }

  get load(): LoadView {
    const { load, wrong, nodes } = this.#trial;
    const { isOn, open, resent, silentMs, checked } = load;
    const { accepted } = load.books;
    return { isOn, open, resent, silentMs, checked, accepted, wrong, nodes: nodes.length };
  }

  /** What is left of it on the screen. */
  lastLines(): string[] {
    const { wrong } = this.load;
    const lines = [foundText(this.load), ...wrong.map(what => `WRONG: ${what}`)];
    return lines.flatMap(line => foldedFor(process.stdout, line).split('\n'));
  }
}
