/** How the resident memory of a server grows over time, above what it was at first. */

import { residentKiBOf, settledResidentKiB } from '../../src/tools/harness/memory.ts';
import type { Server } from '../../src/tools/harness/server.ts';
import type { Point } from './draw.ts';

const KIB_PER_MIB = 1_024;
const LOOK_EVERY_MS = 100;

export class MemoryWatch {
  /** Seconds since the watch began, and MiB. */
  readonly points: Point[] = [];
  readonly #pid: number;
  readonly #atFirstKiB: number;
  readonly #startMs = performance.now();

  private constructor(pid: number, atFirstKiB: number) {
    this.#pid = pid;
    this.#atFirstKiB = atFirstKiB;
  }

  /** Waits until the server has done starting. */
  static async of({ pid }: Server): Promise<MemoryWatch> {
    const atFirstKiB = await settledResidentKiB(pid!);
    if (atFirstKiB === undefined)
      throw new Error('the memory of another process is read from /proc, and there is none');
    return new MemoryWatch(pid!, atFirstKiB);
  }

  /** May be called at any rate: it samples ten times a second. */
  look(): void {
    const elapsedMs = performance.now() - this.#startMs;
    if (elapsedMs < this.points.length * LOOK_EVERY_MS) return;
    const kiB = residentKiBOf(this.#pid);
    // It has just ended.
    if (kiB === undefined) return;
    const y = Math.max(0, (kiB - this.#atFirstKiB) / KIB_PER_MIB);
    this.points.push({ x: Math.round(elapsedMs) / 1_000, y: Math.round(y * 10) / 10 });
  }
}
