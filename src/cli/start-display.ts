/** How far the start of a server with a journal is, on a terminal: a large journal takes its time. */
import type { Output } from '../output.ts';
import type { StartDisplay } from '../server/start.ts';
import { count } from './terminal/numbers.ts';
import { ProgressLine } from './terminal/progress.ts';

const AFTER_MS = 500;

export function startDisplay(output: Output): StartDisplay {
  // The output never waits for its reader; Node's own stream only tells how wide the terminal is.
  const { columns } = process.stderr;
  const out = Object.assign(output, { columns });
  const line = new ProgressLine(out, AFTER_MS);
  return {
    read({ bytes, doneBytes, events }) {
      line.show(
        () =>
          `reading the journal: ${percent(doneBytes, bytes)} of ${count(bytes / 2 ** 20)} MiB, ${count(events)} events`,
      );
    },
    restored(users, all) {
      line.show(() => `taking over ${count(all)} users: ${percent(users, all)}`);
    },
    caughtUp(blocks, of) {
      line.show(() => `catching up with the cluster: ${percent(blocks, of)} of ${count(of)} blocks`);
    },
    clear: () => line.clear(),
  };
}

function percent(part: number, whole: number): string {
  return `${Math.min(100, Math.floor((100 * part) / Math.max(1, whole)))} %`;
}
