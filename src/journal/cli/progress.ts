/** How far a command is, on a terminal. */
import { MovingLine } from '../../cli/terminal/moving-line.ts';

const PROGRESS_MS = 100;

export async function withProgress<Value>(
  textOf: (number: number) => string,
  work: (show: (number: number) => void) => Promise<Value>,
): Promise<Value> {
  const line = new MovingLine(process.stderr);
  let nextMs = performance.now() + PROGRESS_MS;
  try {
    return await work(number => {
      const nowMs = performance.now();
      if (nowMs < nextMs) return;
      nextMs = nowMs + PROGRESS_MS;
      line.show(textOf(number));
    });
  } finally {
    line.clear();
  }
}
