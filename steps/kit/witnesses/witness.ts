/** What a witness is: it starts a server or finds one, hurts it, and says whether the pain is there, with its figures. */
import type { Server } from '../../../src/tools/harness/server.ts';
import type { Source } from '../server.ts';

/** The figures that the verdict was made of. Units are in their names. */
export type Evidence = Record<string, number | string | boolean>;

export interface Finding {
  isPresent: boolean;
  evidence: Evidence;
  /** One sentence with the figures in it: what happened. */
  sentence: string;
}

/** Tells who looks on what happens while it happens. */
export type Say = (text: string) => void;

export interface Witness {
  /** The number of the pain, which is that of the step that has it. */
  pain: number;
  /** It must start servers itself: with settings, more than once, or to signal them. */
  mustStart: boolean;
  /** Throws `ServerError` if a server does not start, or ends when nothing was done to end it. */
  run(source: Source, say: Say): Promise<Finding>;
}

/** Starts a server, and stops it whatever happens. */
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
