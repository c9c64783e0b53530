/**
 * SIGHUP, where there is something to read again: settings change while the server runs, and no connection notices.
 *
 * It is all or nothing. The settings are read and checked as at the start, one that may not change refuses the whole,
 * and whoever has files of its own reads and checks them; only then does anything change. So a server never runs with
 * half of a configuration, or with one that it could not start with.
 */
import { type FilesRead, textsOf } from '../config/files-read.ts';
import { KEYS, nameOf, SETTINGS, type Settings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import type { Sessions } from '../session/sessions.ts';

/** Has files that are read again by a reload, also where no setting has changed: a certificate is renewed in place. */
export interface Reloadable {
  /**
   * Reads and checks, by the settings that are to hold, and changes nothing yet. Returns what makes the change, which
   * must not fail. Throws an error of one line that says what is wrong. Writes into `files` what it has read.
   */
  prepare(next: Settings, files: FilesRead): Promise<() => void> | (() => void);
}

/** The parts that a reload is about. */
export interface ReloadParts {
  /** Those that everybody reads: a reload writes into them. */
  readonly settings: Settings;
  /** Reads the settings anew. Throws an error of one line. */
  readonly reread: () => Promise<Settings>;
  readonly sessions: Pick<Sessions, 'phase' | 'settingsChanged'>;
  readonly log: Log;
  readonly participants?: readonly Reloadable[];
}

type Value = Settings[keyof Settings];

export class Reload {
  readonly #parts: ReloadParts;
  #hasBegun = false;
  #isRunning = false;
  #isWanted = false;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
  }

  /** Whether there is anything to read again. */
  get isPossible(): boolean {
    const { settings, participants = [] } = this.#parts;
    return settings.config !== '' || participants.length > 0;
  }

  /** The server has said where it listens. What was asked for before is done now. */
  begin(): void {
    this.#hasBegun = true;
    if (this.#isWanted) this.request();
  }

  /** One runs at a time; however often it is asked for meanwhile, there is one more. */
  request(): void {
    this.#isWanted = true;
    if (this.#hasBegun && !this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#reload();
    }
    this.#isRunning = false;
  }

  /** Never fails: the server goes on with what it has. */
  async #reload(): Promise<void> {
    const { log, sessions } = this.#parts;
    try {
      const files: FilesRead = {};
      const changes = await this.#change(files);
      const said = [...changes].map(([name, [before, after]]) => `${name} is ${after}, was ${before}`);
      if (said.length === 0) said.push('no setting has changed');
      const read = textsOf(files);
      const fields = { changes: Object.fromEntries(changes), files: read.length === 0 ? undefined : files };
      log.announce('reloaded', fields, log.timed('info', `reloaded: ${[...said, ...read].join('; ')}`));
    } catch (error) {
      // Its last line may have been printed.
      if (sessions.phase === 'ending') return;
      const reason = error instanceof Error ? error.message : String(error);
      log.error('reload_failed', { reason }, `not reloaded, and nothing has changed: ${reason}`);
    }
  }

  /** Returns each setting that has changed by its name, with its value before and after. */
  async #change(files: FilesRead): Promise<Map<string, [Value, Value]>> {
    const { settings, reread, sessions, participants = [] } = this.#parts;
    const next = await reread();
    const changed = KEYS.filter(key => next[key] !== settings[key]);
    const fixed = changed.filter(key => !SETTINGS[key].mayChange);
    if (fixed.length > 0) {
      const each = fixed.map(key => `${nameOf(key)} is ${settings[key]}, and would be ${next[key]}`);
      throw new Error(`only a restart can change this: ${each.join('; ')}`);
    }
    const commits: (() => void)[] = [];
    for (const participant of participants) commits.push(await participant.prepare(next, files));
    // Its stages go by the settings with which they began.
    if (sessions.phase !== 'serving') throw new Error('the server is stopping');

    const changes = new Map(changed.map(key => [nameOf(key), [settings[key], next[key]] as [Value, Value]]));
    Object.assign(settings, next);
    for (const commit of commits) commit();
    sessions.settingsChanged();
    return changes;
  }
}
