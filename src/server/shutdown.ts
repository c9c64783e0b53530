/**
 * The shutdown, in stages, so that no accepted event is lost:
 *
 * 1. `health` answers draining; the listener closes.
 * 2. Lines already received are served; later events are refused with `shutting_down`.
 * 3. The workers empty their rings.
 * 4. Every reply is written and every connection ended; those left after a grace period are destroyed.
 * 5. The workers exit; the ledger is printed, and waits for its reader; `process.exitCode` is set.
 *
 * The whole has a hard time limit, on a timer of this thread, which no worker and no reader of the log can delay. A
 * second signal skips to the end.
 */
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../config/settings.ts';
import type { Intake } from '../engine/intake.ts';
import { grouped, type Log } from '../log.ts';
import type { Listener } from '../net/listener.ts';
import type { Sessions } from '../session/sessions.ts';
import { hadEarlyHangUp, hasTerminal, isOnTerminal, isRepeated } from '../signals.ts';
import type { Reload } from './reload.ts';

/** The parts that are shut down. */
export interface Parts {
  readonly settings: Settings;
  readonly engine: Intake;
  readonly sessions: Sessions;
  readonly listener: Listener;
  readonly log: Log;
  /** What accepted events are in: a journal, or a cluster. */
  readonly keeper?: Keeper | undefined;
}

interface Keeper {
  /** Why nothing more can be kept. */
  readonly failure: string | undefined;
  /** What can't be done any more, for people. */
  readonly failing: string;
  readonly kind: 'journal' | 'cluster';
  /** When the workers have ended. */
  close(): Promise<void>;
  terminate(): void;
}

/** HTTP is served until the end of the shutdown, so that observers can see the server drain. */
interface HttpThread {
  /** Ends it at once, with its connections. The ledger does not wait for that; the exit of the process does. */
  end(): void;
}

export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export const Exit = { clean: 0, notStarted: 1, usage: 2, lost: 3, journal: 4 } as const;

/** How often a stage checks whether it is done. */
const LOOK_MS = 2;
/** What the end of a process takes, after its last line. */
const EXIT_MS = 250;
/** A shell that ends its jobs sends them SIGHUP while their terminal is still there, and goes a moment later. */
const TERMINAL_LOOK_MS = 1_000;

export class Shutdown {
  readonly #parts: Parts;
  readonly #httpThread: HttpThread | undefined;
  #signalledAtMs = 0;
  #signal: Signal | undefined;
  #isOver = false;
  /** A second signal: the last lines wait for their reader no longer. */
  #isCutShort = false;
  readonly #onSignal = (signal: Signal) => this.#signalled(signal);

  constructor(parts: Parts, httpThread?: HttpThread) {
    this.#parts = parts;
    this.#httpThread = httpThread;
  }

  /**
   * Makes SIGINT and SIGTERM begin the shutdown, and SIGHUP if it says that our terminal has gone. Where it doesn't, it
   * asks for a reload.
   */
  watchSignals(reload?: Reload): void {
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
    const reloading = reload?.isPossible ? reload : undefined;
    process.on('SIGHUP', () => this.#hungUp(reloading));
    // With a terminal, it would have ended us.
    if (hadEarlyHangUp()) reloading?.request();
  }

  #hungUp(reload: Reload | undefined): void {
    if (hasTerminal && (reload === undefined || !isOnTerminal())) {
      this.#signalled('SIGHUP');
      return;
    }
    // Nothing comes behind the last line.
    if (this.#isOver) return;
    if (reload === undefined) {
      this.#parts.log.info('hangup', {}, 'SIGHUP: there is no terminal that could be gone; going on');
      return;
    }
    reload.request();
    const look = () => {
      if (!isOnTerminal() && this.#signal === undefined) this.#signalled('SIGHUP');
    };
    if (hasTerminal) setTimeout(look, TERMINAL_LOOK_MS).unref();
  }

  /** The journal can't be written, or the cluster not be followed: nothing more is acknowledged, and what waits for that is not answered. */
  fail(reason: string): void {
    if (this.#isOver) return;
    const { sessions, listener } = this.#parts;
    if (this.#signal === undefined) this.#signalledAtMs = performance.now();
    this.#logFailure(reason);
    listener.close();
    sessions.stopServing();
    void this.#finish(Exit.journal, this.#parts.keeper!.failing);
  }

  #logFailure(reason: string): void {
    const { log, keeper } = this.#parts;
    const text = `${keeper!.failing}: ${reason}`;
    if (keeper!.kind === 'cluster') log.error('cluster_failed', { reason }, text);
    else log.error('journal_failed', { reason }, text);
  }

  #signalled(signal: Signal): void {
    if (this.#signal !== undefined) {
      if (isRepeated(this.#signal, signal, this.#elapsedMs)) return;
      this.#isCutShort = true;
      void this.#finish(128 + constants.signals[signal], `a second signal, ${signal}`);
      return;
    }
    this.#signal = signal;
    this.#signalledAtMs = performance.now();
    const { settings, log } = this.#parts;
    const { shutdownMsMax } = settings;
    log.info('draining', { signal }, `${signal}: draining; once more stops at once`);
    const hardLimit = setTimeout(
      () => void this.#finish(Exit.clean, `the hard limit of ${shutdownMsMax} ms`),
      shutdownMsMax,
    );
    void this.#stages().finally(() => clearTimeout(hardLimit));
  }

  async #stages(): Promise<void> {
    const { settings, engine, sessions, listener } = this.#parts;
    const drainEndMs = this.#signalledAtMs + settings.drainMsMax;
    listener.close();
    sessions.startDraining();
    const isLameDuckOver = () => sessions.all.size === 0 || this.#elapsedMs >= settings.drainMsMin;
    await this.#until(
      () => isLameDuckOver() && engine.counts().queued === 0 && sessions.areServed,
      drainEndMs,
    );

    // No line is served from here on, so no client can keep the rings busy by asking for balances.
    sessions.stopServing();
    await this.#until(() => engine.areRingsEmpty, drainEndMs);
    if (this.#isOver) return;
    const cutShortBy = engine.areRingsEmpty
      ? undefined
      : `the limit of ${settings.drainMsMax} ms for the rings to empty`;
    engine.collect();
    await Promise.resolve(); // lets the answers just collected be written
    sessions.end();
    await within(settings.graceMsMax, sessions.empty());
    if (this.#isOver) return;
    sessions.destroy();

    await within(settings.joinMsMax, engine.stop());
    await this.#finish(Exit.clean, cutShortBy);
  }

  get #elapsedMs(): number {
    return performance.now() - this.#signalledAtMs;
  }

  async #until(isDone: () => boolean, endMs: number): Promise<void> {
    while (!isDone() && !this.#isOver && performance.now() < endMs) await sleep(LOOK_MS);
  }

  /** The log's reader may be slow. */
  async #untilRead(): Promise<void> {
    const { log, settings } = this.#parts;
    const endMs = this.#signalledAtMs + settings.shutdownMsMax - EXIT_MS;
    while (!log.isWritten && !this.#isCutShort && performance.now() < endMs) await sleep(LOOK_MS);
  }

  /** Ends all that still runs, prints the ledger and sets the exit code; only once. */
  async #finish(exitCode: number, cutShortBy: string | undefined): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    // The signal handlers stay: a third signal must not end the process before the ledger is printed.
    const { settings, engine, sessions, log } = this.#parts;
    const { clients } = sessions;
    this.#httpThread?.end();
    sessions.destroy();
    engine.workers.terminate();
    await within(settings.joinMsMax, engine.workers.join());
    engine.settle();
    const { keeper } = this.#parts;
    await within(Math.max(settings.joinMsMax, settings.shutdownMsMax - this.#elapsedMs), keeper?.close());
    keeper?.terminate();

    const { received, processed, dropped, queued } = engine.counts();
    // With a keeper, what was not applied was not acknowledged either.
    const lost = keeper === undefined ? queued : 0;
    const unanswered = keeper === undefined ? undefined : queued;
    // The last sync may have failed, when all else was over.
    const failure = keeper?.failure;
    if (failure !== undefined && exitCode !== Exit.journal) this.#logFailure(failure);
    const code =
      failure !== undefined ? Exit.journal : exitCode === Exit.clean && lost !== 0 ? Exit.lost : exitCode;
    const elapsedMs = Math.round(this.#elapsedMs);
    const ledger = { received, processed, dropped, invalid: clients.invalid, lost, unanswered };
    const { late_wakes } = engine.detail();
    const fields = {
      exitCode: code,
      ...ledger,
      signal: this.#signal,
      elapsedMs,
      cutShortBy,
      connections: clients.connections_total,
      workerDeaths: engine.workers.deaths,
      lateWakes: late_wakes,
    };
    if (cutShortBy !== undefined) log.warn('cut_short', { by: cutShortBy }, `cut short by ${cutShortBy}`);
    if (lost !== 0) log.error('lost', { lost }, `${lost} accepted events were not applied`);
    log.announce('stopped', fields, this.#ledgerText(code, elapsedMs, ledger));
    process.exitCode = code;
    await this.#untilRead();
  }

  #ledgerText(
    code: number,
    elapsedMs: number,
    ledger: Record<'received' | 'processed' | 'dropped' | 'invalid' | 'lost', number> & {
      unanswered: number | undefined;
    },
  ): string {
    const { log } = this.#parts;
    const lost =
      ledger.lost === 0
        ? log.style('green', 'nothing lost')
        : log.style('red', `${grouped(ledger.lost)} accepted events lost`);
    return (
      `stopped in ${elapsedMs} ms, exit code ${code}: received ${grouped(ledger.received)} = processed ${grouped(ledger.processed)} ` +
      `+ dropped ${grouped(ledger.dropped)}${ledger.lost === 0 ? '' : ` + lost ${grouped(ledger.lost)}`}` +
      `${ledger.unanswered ? ` + not answered ${grouped(ledger.unanswered)}` : ''}; ${grouped(ledger.invalid)} invalid lines; ${lost}`
    );
  }
}

/** Waits for a promise, at most `limitMs`; leaves no timer that would delay the exit. */
async function within(limitMs: number, done: Promise<void> | undefined): Promise<void> {
  if (done === undefined) return;
  const timer = new AbortController();
  await Promise.race([done, sleep(limitMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}
