/** Where a server of a lesson runs: its engines and companions, and folders; all of it is gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type StartedServer, startOnPort } from '../../src/tools/harness/server.ts';
import { runArgs, START_LIMIT_MS } from '../kit/server.ts';
import type { Engine, EngineName } from './engines/engine.ts';
import { settingOf, startEngines, stopEngines } from './engines/engines.ts';

/** A lesson has all of these. */
export interface Needs {
  engines: readonly EngineName[];
  /** In steps/; of the companions. */
  folder: string;
  companions?: readonly string[];
}

export class Place {
  readonly #engines: readonly Engine[];
  readonly #companions = new Map<string, StartedServer>();
  readonly #folders: string[] = [];
  readonly #remove = () => {
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  };

  private constructor(engines: readonly Engine[]) {
    this.#engines = engines;
    process.on('exit', this.#remove);
  }

  /** Throws `ServerError` if an engine is missing, or something does not start; then nothing of it is left. */
  static async open({ engines, folder, companions = [] }: Needs): Promise<Place> {
    const place = new Place(await startEngines(engines));
    try {
      for (const name of companions)
        place.#companions.set(name, await startCompanion(folder, name, place.folder()));
      return place;
    } catch (error) {
      await place.close();
      throw error;
    }
  }

  engine(name: EngineName): Engine {
    const found = this.#engines.find(engine => engine.name === name);
    if (found === undefined) throw new Error(`this lesson has no engine ${name}`);
    return found;
  }

  companion(name: string): StartedServer {
    const found = this.#companions.get(name);
    if (found === undefined) throw new Error(`this lesson has no companion ${name}`);
    return found;
  }

  /** Those of the engines and the companions, as servers get them. */
  get addresses(): Record<string, string> {
    return Object.fromEntries([
      ...this.#engines.map(({ name, url }) => [settingOf(name), url]),
      ...[...this.#companions].map(([name, { host, port }]) => [settingOf(name), `tcp://${host}:${port}`]),
    ]);
  }

  /** A new folder, which is empty. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'tally-lesson-'));
    this.#folders.push(folder);
    return folder;
  }

  async close(): Promise<void> {
    await stopEngines(this.#engines);
    for (const companion of this.#companions.values()) await companion.stop();
    process.off('exit', this.#remove);
    this.#remove();
  }
}

async function startCompanion(folder: string, name: string, cwd: string): Promise<StartedServer> {
  const port = await freePort();
  const args = [...runArgs(folder, name), '--port', String(port)];
  return startOnPort({ name, program: process.execPath, args, cwd }, port, START_LIMIT_MS);
}
