/** Where a witness or a race runs: the engines of its lesson, and folders; all of it is gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine, EngineName } from './engines/engine.ts';
import { settingOf, startEngines, stopEngines } from './engines/engines.ts';

export class Place {
  readonly engines: readonly Engine[];
  readonly #folders: string[] = [];
  readonly #remove = () => {
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  };

  private constructor(engines: readonly Engine[]) {
    this.engines = engines;
    process.on('exit', this.#remove);
  }

  /** Throws `ServerError` if an engine is missing or does not start. */
  static async open(engines: readonly EngineName[]): Promise<Place> {
    return new Place(await startEngines(engines));
  }

  engine(name: EngineName): Engine {
    const found = this.engines.find(engine => engine.name === name);
    if (found === undefined) throw new Error(`this lesson has no engine ${name}`);
    return found;
  }

  /** The addresses of the engines, as servers get them. */
  get addresses(): Record<string, string> {
    return Object.fromEntries(this.engines.map(({ name, url }) => [settingOf(name), url]));
  }

  /** A new folder, which is empty. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'tally-lesson-'));
    this.#folders.push(folder);
    return folder;
  }

  async close(): Promise<void> {
    await stopEngines(this.engines);
    process.off('exit', this.#remove);
    this.#remove();
  }
}
