/**
 * `tally serve`: puts the parts together, starts them, says where it listens.
 */
import { setFlagsFromString } from 'node:v8';
import type { Settings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import { Listener } from '../net/listener.ts';
import { assemble } from './assemble.ts';
import { Shutdown } from './shutdown.ts';

/**
 * The collector works alone on the young generation, on the socket thread. All that is in there is what streams leave
 * behind, so there is nearly nothing to do; to wake helper threads for it cost a tenth of the processor time, and
 * took the cores from the workers. (The old generation is still marked beside the server's work.)
 */
const COLLECTOR_FLAGS = ['--no-parallel-scavenge', '--no-concurrent-array-buffer-sweeping'];

/** Resolves once it serves; rejects, with everything stopped again, if it can't start. */
export async function serve(settings: Settings, log: Log, version: string): Promise<void> {
  for (const flag of COLLECTOR_FLAGS) setFlagsFromString(flag);
  const { engine, sessions } = assemble(settings, log);
  const listener = new Listener(sessions, settings);
  const watched = {
    engine,
    metrics: sessions.metrics,
    get isDraining() {
      return sessions.phase !== 'serving';
    },
  };
  // Loaded when it is wanted: without it nobody pays for it.
  const httpThread =
    settings.http < 0 ? undefined : new (await import('../http/thread.ts')).HttpThread(watched, log, version);
  let port: number;
  let http: number | undefined;
  try {
    http = await httpThread?.listen(settings.http);
    await engine.start();
    // Before the first client can be served, so that no signal finds events and nobody who minds them.
    new Shutdown({ settings, engine, sessions, listener, log }, httpThread).watchSignals();
    port = await listener.listen(settings.host, settings.port, settings.backlog);
    httpThread?.serving();
  } catch (error) {
    httpThread?.end();
    engine.workers.terminate();
    throw error;
  }

  const { host, workers, ring, users } = settings;
  const tryIt = `printf '{"user":"alice","action":"buy","amount":100}\\n' | nc -N ${isAnyAddress(host) ? '127.0.0.1' : host} ${port}`;
  log.announce(
    'listening',
    {
      host,
      port,
      http,
      pid: process.pid,
      version,
      workers,
      ring,
      users,
      connectionsMax: settings.connectionsMax,
      try: tryIt,
    },
    `${log.style('bold', `Tally ${version}`)} listens on ${log.style('cyan', `${host}:${port}`)}, ${workers} worker${workers === 1 ? '' : 's'}, pid ${process.pid}\n` +
      (http === undefined ? '' : `live page: ${log.style('cyan', `http://127.0.0.1:${http}/`)}\n`) +
      `${log.style('gray', 'try, in another terminal:')}  ${tryIt}\n` +
      `${log.style('gray', 'Ctrl+C stops it; nothing that was accepted is lost.')}`,
  );
}

function isAnyAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
