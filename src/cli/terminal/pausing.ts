/**
 * Ctrl+Z in programs that hold the terminal (its screen, or its keys): they leave it as a shell expects it before they
 * stop, and take it up again when they go on.
 */
import { readFileSync } from 'node:fs';

interface Holder {
  leave(): void;
  /** Also after a stop that nobody could see coming (SIGSTOP): takes up what may be held still. */
  takeUp(): void;
}

/** In an orphaned process group nothing stops: it goes on after this time. */
const STOPPED_WITHIN_MS = 100;
/** Of the fields behind the name in /proc/PID/stat. */
const PROCESS_GROUP = 2;
const FOREGROUND_GROUP = 5;

const holders = new Set<Holder>();
let goesOn: NodeJS.Timeout | undefined;

/** Until the function that is returned is called. */
export function holdTerminal(holder: Holder): () => void {
  if (holders.size === 0) process.on('SIGTSTP', stop).on('SIGCONT', goOn);
  holders.add(holder);
  return () => {
    holders.delete(holder);
    if (holders.size === 0) process.off('SIGTSTP', stop).off('SIGCONT', goOn);
  };
}

/** As Ctrl+Z does where the terminal makes a signal of it: the whole job stops, with npx and started servers. */
export function pause(): void {
  process.kill(0, 'SIGTSTP');
}

function stop(): void {
  for (const holder of [...holders].reverse()) holder.leave();
  // Without a listener, the signal stops.
  process.off('SIGTSTP', stop);
  process.kill(process.pid, 'SIGTSTP');
  goesOn = setTimeout(goOn, STOPPED_WITHIN_MS);
}

function goOn(): void {
  clearTimeout(goesOn);
  if (!process.listeners('SIGTSTP').includes(stop)) process.on('SIGTSTP', stop);
  // In the background the terminal is another's, and a program that needs it stops, as the system would have it.
  if (!isInForeground()) process.kill(process.pid, 'SIGTTOU');
  else for (const holder of holders) holder.takeUp();
}

function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[PROCESS_GROUP] === fields[FOREGROUND_GROUP];
  } catch {
    // There is no /proc.
    return true;
  }
}
