/** How much processor time another process has used: all its threads, in user code and in the kernel. */
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, on every machine that Node runs on (`getconf CLK_TCK`). */
const TICKS_PER_S = 100;
/** Of the fields behind the name; the manual counts from the process id and calls them 14 and 15. */
const USER_TICKS = 11;
const KERNEL_TICKS = 12;

/** Undefined where there is no /proc, or no such process: the figure is left out then. */
export function cpuSecondsOf(pid: number): number | undefined {
  try {
    return parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** From the text of /proc/PID/stat, as proc(5) describes it. */
export function parseCpuSeconds(stat: string): number {
  // The second field is the program's name in parentheses. It may contain spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[USER_TICKS]) + Number(fields[KERNEL_TICKS]);
  if (!Number.isInteger(ticks)) throw new Error(`no processor time in ${JSON.stringify(stat)}`);
  return ticks / TICKS_PER_S;
}
