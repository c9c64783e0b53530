/** What a process prints, collected while it runs. */
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface Output {
  stdout: string;
  stderr: string;
}

export function outputOf(child: ChildProcessByStdio<null, Readable, Readable>): Output {
  const output: Output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  return output;
}
