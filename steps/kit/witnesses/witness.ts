/** A witness starts or finds a server, provokes a pain, and reports whether it is present, with figures. */
import { HungUp } from '../../../src/tools/harness/client.ts';
import type { Source } from '../server.ts';
import { Scene } from './scene.ts';

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
  /**
   * Ends within `WITNESS_MS_MAX` and the time that servers take to start, whatever they do. Throws if there is no
   * verdict: `ServerError` if a server does not start, or the reason why it can't be told.
   */
  run(source: Source, say: Say): Promise<Finding>;
}

/** The time limit of a witness; one that uses several servers gives each of them a part of it. */
export const WITNESS_MS_MAX = 120_000;

/** What the server does allows no verdict. */
export class Undecided extends Error {}

/** Why there is no verdict, to be put behind a "because". */
export function whyNot(error: unknown): string {
  const { message, cause } = error as Error;
  if (!(error instanceof HungUp) || cause === undefined) return message;
  const { code, message: ours } = cause as NodeJS.ErrnoException;
  return code === undefined ? ours : `the server hung up (${code})`;
}

/**
 * Starts a server, and stops it in any case. When the time is over, its connections are closed and it is stopped, so
 * that `use` can't wait any longer.
 */
export async function withServer<T>(
  source: Source,
  settings: Parameters<Source['start']>[0],
  use: (scene: Scene) => Promise<T>,
  limitMs = WITNESS_MS_MAX,
): Promise<T> {
  const server = await source.start(settings);
  const scene = new Scene(server);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    scene.close();
    void server.stop();
  }, limitMs);
  const late = () => new Undecided(`${limitMs / 1_000} s were not enough for it`);
  try {
    const result = await use(scene);
    if (isLate) throw late();
    return result;
  } catch (error) {
    throw isLate ? late() : error;
  } finally {
    clearTimeout(timer);
    scene.close();
    await server.stop();
  }
}
