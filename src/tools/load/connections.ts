/**
 * The connections of one thread: which are open, which were lost, how lost ones come back (`--reconnect`), and when
 * there was none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadConnection } from './connection.ts';
import { type Opener, pauseMs } from './opening.ts';
import type { Outage } from './outages.ts';

/** Lines that were sent and not answered. */
interface Unknown {
  warmup: number;
  measured: number;
}

export class Connections {
  readonly #opener: Opener;
  readonly #comeBack: boolean;
  readonly #isWanted: (lost: LoadConnection) => boolean;
  readonly #onBack: (connection: LoadConnection) => void;
  /** By number; a lost one stays until another has taken its place. */
  all: LoadConnection[] = [];
  /** How many were lost, by what happened. */
  readonly #lost = new Map<string, number>();
  #reopened = 0;
  #open = 0;
  readonly #outages: Outage[] = [];
  /** Since when no connection was open, or none of those that are has been answered yet. */
  #goneMs: number | undefined;
  /** Attempts to open a connection again since it was last answered. */
  readonly #failures: number[] = [];
  /** On those that have been replaced. */
  readonly #unknownBefore: Unknown = { warmup: 0, measured: 0 };
  #measureMs = 0;

  /** `onBack` is told of a connection that is there again; one comes back only while it is wanted. */
  constructor(
    opener: Opener,
    comeBack: boolean,
    isWanted: (lost: LoadConnection) => boolean,
    onBack: (connection: LoadConnection) => void,
  ) {
    this.#opener = opener;
    this.#comeBack = comeBack;
    this.#isWanted = isWanted;
    this.#onBack = onBack;
  }

  /** All, or none: throws if one cannot be opened. */
  async open(): Promise<void> {
    this.all = await this.#opener.openAll();
    this.#open = this.all.length;
  }

  /** Lines that are due from here on are measured. */
  start(measureMs: number): void {
    this.#measureMs = measureMs;
    for (const connection of this.all) if (connection.isLost) void this.#bringBack(connection);
  }

  lose(connection: LoadConnection, why: string): void {
    this.#lost.set(why, (this.#lost.get(why) ?? 0) + 1);
    this.#open--;
    if (this.#open === 0 && this.#comeBack) this.#goneMs ??= performance.now();
    void this.#bringBack(connection);
  }

  /** Something has come from the server. */
  heard(nowMs: number): void {
    if (this.#goneMs === undefined) return;
    this.#outages.push({ fromMs: this.#goneMs - this.#measureMs, untilMs: nowMs - this.#measureMs });
    this.#goneMs = undefined;
  }

  /** What became of them. */
  outcome(): { lost: [string, number][]; reopened: number; outages: Outage[] } {
    this.heard(Number.POSITIVE_INFINITY);
    return { lost: [...this.#lost], reopened: this.#reopened, outages: this.#outages };
  }

  get isCutOff(): boolean {
    return this.all.every(({ isLost }) => isLost);
  }

  /** None is left, and none will come back. */
  get isOver(): boolean {
    return !this.#comeBack && this.isCutOff;
  }

  /** On all, or on those that were lost. */
  unknown(of: 'all' | 'lost'): Unknown {
    const sum = { ...this.#unknownBefore };
    for (const connection of this.all) if (of === 'all' || connection.isLost) this.#add(connection, sum);
    return sum;
  }

  #add(connection: LoadConnection, sum: Unknown): void {
    const measured = connection.underWaySince(this.#measureMs);
    sum.measured += measured;
    sum.warmup += connection.underWay - measured;
  }

  async #bringBack(lost: LoadConnection): Promise<void> {
    if (!this.#comeBack) return;
    const { index } = lost;
    if (lost.isAnswered) this.#failures[index] = 0;
    while (this.#isWanted(lost)) {
      const failures = this.#failures[index] ?? 0;
      this.#failures[index] = failures + 1;
      await sleep(pauseMs(failures));
      if (!this.#isWanted(lost)) return;
      const opened = await this.#opener.openAgain(lost).catch(() => undefined);
      if (opened !== undefined) return this.#replace(lost, opened);
    }
  }

  #replace(lost: LoadConnection, opened: LoadConnection): void {
    this.all[lost.index] = opened;
    this.#reopened++;
    this.#open++;
    this.#add(lost, this.#unknownBefore);
    this.#onBack(opened);
  }
}
