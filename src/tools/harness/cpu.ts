/** How much processor time another process has used: all its threads, in user code and in the kernel. */
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, on every machine that Node runs on (`getconf CLK_TCK`). */
const TICKS_PER_S = 100;
/** Of the fields behind the name; the manual counts from the process id and calls them 14 and 15. */
const USER_TICKS = 11;
const KERNEL_TICKS = 12;
/** The same of children that have ended and were waited for. */
const CHILDREN_USER_TICKS = 13;
const CHILDREN_KERNEL_TICKS = 14;

/** Undefined where there is no /proc, or no such process: the figure is left out then. */
export function cpuSecondsOf(pid: number): number | undefined {
  try {
    return parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Of a process and its children, those that have ended too: for a server that has a process for each client. */
export function familyCpuSecondsOf(pid: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
    const ticks = [USER_TICKS, KERNEL_TICKS, CHILDREN_USER_TICKS, CHILDREN_KERNEL_TICKS];
    const own = parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'latin1'), ticks);
    return children.reduce((sum, child) => sum + (cpuSecondsOf(Number(child)) ?? 0), own);
  } catch {
    return undefined;
  }
}

/** From the text of /proc/PID/stat, as proc(5) describes it. */
export function parseCpuSeconds(stat: string, which: number[] = [USER_TICKS, KERNEL_TICKS]): number {
  // The second field is the program's name in parentheses. It may contain spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = which.reduce((sum, field) => sum + Number(fields[field]), 0);
  if (!Number.isInteger(ticks)) throw new Error(`no processor time in ${JSON.stringify(stat)}`);
  return ticks / TICKS_PER_S;
}
