/** A step as a process of its own, compiled, on a free port: as its reader runs it. */

import type { Server } from '../../../src/tools/harness/server.ts';
import { until } from '../../../src/tools/harness/waiting.ts';
import { startStep as start } from '../../../steps/kit/server.ts';

export async function startStep(number: number, flags: string[] = []): Promise<Server> {
  const step = await start(number, {}, flags);
  // Somebody else's server on that port would be spoken to just as well.
  await until(() => {
    if (step.hasEnded) throw new Error(`step ${number} has ended: ${step.output()}`);
    return step.output() === `listening on 127.0.0.1:${step.port}`;
  }, `step ${number} to listen`);
  return step;
}

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
