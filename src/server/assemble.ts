/**
 * Assembles the engine and the sessions in front of it. They share the read buffer and the secret seed of the hash.
 */
import type { Settings } from '../config/settings.ts';
import { Engine } from '../engine/engine.ts';
import type { WorkerEvents } from '../engine/workers.ts';
import type { Log } from '../log.ts';
import { drawHashSeed } from '../protocol/hash.ts';
import { createReadBuffer, Sessions } from '../session/sessions.ts';

export interface Assembled {
  readonly engine: Engine;
  readonly sessions: Sessions;
}

/** Starts nothing yet. */
export function assemble(settings: Settings, log: Log): Assembled {
  const readBuffer = createReadBuffer(settings);
  const events: Pick<WorkerEvents, 'onDeath' | 'onReplaced'> = {
    onDeath: (worker, reason) =>
      log.warn('worker_died', { worker, reason }, `worker ${worker} died: ${reason}; replacing it`),
    onReplaced: worker => log.warn('worker_replaced', { worker }, `worker ${worker} is replaced`),
  };
  const engine = new Engine(readBuffer.view, settings, events);
  return { engine, sessions: new Sessions(settings, engine, readBuffer, drawHashSeed(), log) };
}
