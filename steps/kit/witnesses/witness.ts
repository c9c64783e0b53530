/** A witness starts or finds a server, provokes a pain, and reports whether it is present, with figures. */
import type { Server } from '../../../src/tools/harness/server.ts';
import type { Source } from '../server.ts';

/** The figures that the verdict is based on. Units are in their names. */
export type Evidence = Record<string, number | string | boolean>;

export interface Finding {
  isPresent: boolean;
  evidence: Evidence;
  /** One sentence with the figures in it: what happened. */
  sentence: string;
}

/** Reports progress to the reader. */
export type Say = (text: string) => void;

export interface Witness {
  /** The number of the pain, which is that of the step that has it. */
  pain: number;
  /** It must start servers itself: with settings, more than once, or to send signals. */
  mustStart: boolean;
  /** Throws `ServerError` if a server does not start, or ends when nothing was done to end it. */
  run(source: Source, say: Say): Promise<Finding>;
}

/** Starts a server, and stops it in any case. */
export async function withServer<T>(
  source: Source,
  settings: Parameters<Source['start']>[0],
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await source.start(settings);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}
