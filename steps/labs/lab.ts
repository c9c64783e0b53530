/** What a lab is: something to run beside a step, which prints what it has measured. */
import type { Value } from '../kit/values.ts';

export interface Lab {
  name: string;
  /** In this folder; begins with the number of the step. */
  folder: string;
  /** What it shows, in a line. */
  title: string;
  /** Flags that it takes, with their dashes. */
  takes: ReadonlyMap<string, Value>;
  /** Says a line as soon as it knows it. */
  run(given: ReadonlyMap<string, string>, say: (line: string) => void): Promise<void>;
}
