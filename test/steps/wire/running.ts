/** A step as a process of its own, compiled, on a free port: as its reader runs it. */
import type { Server } from '../../../src/tools/harness/server.ts';
import { startStep as start } from '../../../steps/kit/server.ts';

export const startStep = (number: number, flags: string[] = []) => start(number, {}, flags);

/** Runs something against a step, which must be alive at the end and is then killed. */
export async function withStep(
  number: number,
  flags: string[],
  use: (step: Server) => Promise<void>,
): Promise<void> {
  const step = await startStep(number, flags);
  try {
    await use(step);
    if (step.hasEnded) throw new Error(`it has ended: ${step.output()}`);
  } finally {
    await step.stop();
  }
}
