/** How much memory of another process is resident. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 100;
/** The number of consecutive samples that must differ by no more than this. */
const STILL_LOOKS = 5;
const STILL_KIB = 128;
const SETTLE_MS_MAX = 10_000;

/** Undefined where there is no /proc, or no such process: the figure is left out then. */
export function residentKiBOf(pid: number): number | undefined {
  try {
    const kiB = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kiB === undefined ? undefined : Number(kiB);
  } catch {
    return undefined;
  }
}

/** Waits until the value is stable: pages are allocated and freed some time after the work that causes it. */
export async function settledResidentKiB(pid: number): Promise<number | undefined> {
  const startMs = performance.now();
  const looks: number[] = [];
  while (performance.now() - startMs < SETTLE_MS_MAX) {
    const kiB = residentKiBOf(pid);
    if (kiB === undefined) return undefined;
    looks.push(kiB);
    const last = looks.slice(-STILL_LOOKS);
    if (last.length === STILL_LOOKS && Math.max(...last) - Math.min(...last) <= STILL_KIB) return kiB;
    await sleep(LOOK_MS);
  }
  throw new Error(`the resident memory of the server was still moving after ${SETTLE_MS_MAX / 1_000} s`);
}
