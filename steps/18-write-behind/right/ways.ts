/** Three ways to have the changes of a turn of the event loop on the disk before their clients hear of them. */
import { appendFileSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import type { Balance, Store } from './store.ts';

const FLUSH_EVERY_MS = 500;
type Keep = (changes: readonly Balance[]) => void;

export const WAYS: Record<string, (store: Store, log: number) => Keep> = {
  /** Write-behind: in the log at once, in the database when there is time. */
  log(store, log) {
    const behind = new Map<string, number>();
    setInterval(() => {
      store.put(behind);
      behind.clear();
      empty(log);
    }, FLUSH_EVERY_MS);
    return changes => {
      appendFileSync(log, changes.map(change => `${JSON.stringify(change)}\n`).join(''));
      fdatasyncSync(log);
      for (const [user, balance] of changes) behind.set(user, balance);
    };
  },
  /** Write-through: a transaction for each. */
  through: store => changes => {
    for (const change of changes) store.put([change]);
  },
  /** Write-through into a store that is embedded: to wait for others costs nothing, so one transaction for all. */
  embedded: store => changes => store.put(changes),
};

/** Puts what a crash has left in the log into the database. Twice is as good as once: a change says what the balance is. */
export function openLog(folder: string, store: Store): number {
  const log = openSync(`${folder}/changes.log`, 'a+');
  // What stands behind the last newline was cut off by the crash. Nobody was told of it.
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  store.put(lines.map(line => JSON.parse(line)));
  empty(log);
  // The name of a new file is kept by its folder.
  fsyncSync(openSync(folder, 'r'));
  return log;
}

function empty(log: number): void {
  ftruncateSync(log);
  fsyncSync(log);
}
