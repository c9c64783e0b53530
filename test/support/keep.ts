/** Keeps what a long run found in bench/results, beside the benches' figures and in the same form. */
import type { Measure } from '../../bench/bench.ts';
import { currentCommit, RESULTS_FOLDER, writeRecord } from '../../bench/record.ts';
import { describeMachine } from '../../src/tools/harness/machine.ts';

/** `command` is what gives the file again. A figure of one value has one sample. */
export function keep(name: string, command: string, startedAt: Date, measures: Measure[]): void {
  const path = writeRecord(RESULTS_FOLDER, {
    schema: 1,
    bench: name,
    size: 'full',
    startedAt: startedAt.toISOString(),
    command,
    commit: currentCommit(),
    machine: describeMachine(),
    measures,
  });
  console.log(`kept in ${path}`);
}
