/**
 * When lines leave. The connections of one thread, driven as a closed loop (the next line leaves when a reply has
 * come) or as an open loop (lines leave at their times, and late if their connection has no room for them), until
 * time or lines have run out and everything is answered.
 *
 * A line that is late is still measured from when it should have left: a server that stalls for a second delays the
 * lines that users would have sent in that second, and leaving them out would hide just that ("coordinated
 * omission", Gil Tene).
 */
import type { ConnectionEvents, LoadConnection } from './connection.ts';
import { Connections } from './connections.ts';
import { type Ledger, newLedger } from './ledger.ts';
import { type FromThread, monotonicMs, type ThreadPlan } from './messages.ts';
import { Opener } from './opening.ts';
import { Phase } from './phase.ts';
import type { LoadPlan } from './plan.ts';
import { type ReplyJudge, replyJudgeFor } from './protocols.ts';
import { Schedule, withWarmup } from './schedule.ts';
import { countUnsent } from './unsent.ts';

const PROGRESS_MS = 250;
const ROUNDING_MS = 1e-6;
/** A line that left so much after its time counts as late. */
const LATE_MS = 2;
/** How long lines that are due may still leave after the end. */
const BACKLOG_MS = 1_000;
/** How long to wait for the server to close an ended connection, and for unexpected replies. */
const CLOSE_MS = 300;
/** Timers are this coarse: closer to its time, a precise pace turns the event loop instead. */
const TIMER_MS = 2;

export class Driver {
  readonly #plan: LoadPlan;
  readonly #thread: number;
  readonly #judge: ReplyJudge;
  readonly #ledger: Ledger;
  readonly #measured: Phase;
  /** The two, by number. */
  readonly #phases: readonly Phase[];
  readonly #post: (message: FromThread, transfer?: ArrayBuffer[]) => void;
  readonly #connections: Connections;
  /** Undefined: a closed loop. */
  readonly #schedule: Schedule | undefined;
  /** On this thread's clock; the warm-up lies between the first two. */
  #startMs = 0;
  #measureMs = 0;
  #endMs = 0;
  /** The time of the chunk that is being read. */
  #nowMs = 0;
  #state: 'connecting' | 'sending' | 'waiting' | 'quiet' = 'connecting';
  #isStopped = false;
  #progress: NodeJS.Timeout | undefined;
  #graceOver: NodeJS.Timeout | undefined;
  /** Lines of the schedule that are this thread's: the next one to become due (open loop). */
  #nextLine = 0;
  #listed: LoadConnection[] = [];
  #unsent = 0;
  #hungUp = 0;
  #underWay = 0;
  /** Replies that came while it was measured, to whatever line. */
  #inTime = 0;
  /** Whether it was the time that ended the sending. */
  #isTimeOver = false;

  constructor(threadPlan: ThreadPlan, post: (message: FromThread, transfer?: ArrayBuffer[]) => void) {
    const { plan, script, thread, connections, runId, credentials } = threadPlan;
    this.#plan = plan;
    this.#thread = thread;
    this.#judge = replyJudgeFor(plan.protocol);
    this.#ledger = newLedger(script);
    this.#post = post;
    const { events = Number.POSITIVE_INFINITY, threads } = plan;
    const budget = Math.floor(events / threads) + (thread < events % threads ? 1 : 0);
    this.#measured = new Phase(plan, budget);
    this.#phases = [new Phase(plan, Number.POSITIVE_INFINITY), this.#measured];
    const share = { index: thread, connections, runId, credentials };
    const opener = new Opener(plan, share, this.#ledger, this.#judge, this.#events);
    // With ids, for what is not decided, too.
    const isWanted = ({ underWay }: LoadConnection) =>
      this.#state === 'sending' || (this.#state === 'waiting' && plan.work.ids && underWay > 0);
    const goOn = (connection: LoadConnection) => this.#goOn(connection);
    this.#connections = new Connections(opener, plan.reconnect, isWanted, goOn);
    if (plan.stages !== undefined) this.#schedule = new Schedule(withWarmup(plan.stages, plan.warmupMs));
  }

  /** Opens all connections; throws if one cannot be opened. */
  connect(): Promise<void> {
    return this.#connections.open();
  }

  /** Begins at this time of the shared clock. */
  start(atMs: number): void {
    this.#startMs = performance.now() + (atMs - monotonicMs());
    // A little earlier than it says: sums of fractions must not put its first line into the warm-up.
    this.#measureMs = this.#startMs + this.#plan.warmupMs - ROUNDING_MS;
    const durationMs =
      this.#schedule === undefined
        ? this.#plan.warmupMs + (this.#plan.durationMs ?? Number.POSITIVE_INFINITY)
        : this.#schedule.durationMs;
    this.#endMs = this.#startMs + durationMs;
    this.#state = 'sending';
    this.#progress = setInterval(() => {
      this.#tellProgress();
      this.#endStill();
    }, PROGRESS_MS);
    setTimeout(
      () => (this.#schedule === undefined ? this.#startClosed() : this.#tick()),
      Math.max(0, this.#startMs - performance.now()),
    );
    // Stopped, or disconnected by the server, before it began.
    if (this.#isStopped || this.#connections.isOver) this.#wait();
    this.#connections.start(this.#measureMs);
  }

  /** Sends nothing more. */
  stop(): void {
    this.#isStopped = true;
    this.#wait();
  }

  readonly #events: ConnectionEvents = {
    onChunk: () => {
      this.#nowMs = performance.now();
      this.#connections.heard(this.#nowMs);
    },
    onReplies: (verdict, count, dueMs, sentMs) => {
      this.#underWay -= count;
      const nowMs = this.#nowMs;
      this.#inTime += nowMs >= this.#measureMs && nowMs < this.#endMs ? count : 0;
      const phase = this.#phaseOf(dueMs);
      phase.lastReplyMs = nowMs;
      phase.recorder.add(verdict, count, nowMs - dueMs, nowMs - sentMs, nowMs - this.#measureMs);
    },
    onRoom: connection => {
      if (this.#state === 'sending') {
        if (this.#schedule === undefined) this.#sendMore(connection);
        else this.#sendDue(connection, this.#nowMs);
      } else if (this.#state === 'waiting') {
        if (this.#underWay === 0) this.#beQuiet();
      }
    },
    onAgain: (count, dueMs) => {
      this.#phaseOf(dueMs).resent += count;
    },
    onLost: (connection, why) => {
      this.#connections.lose(connection, why);
      if (!this.#plan.work.ids) this.#drop(connection);
    },
    onWrong: (connection, what) => {
      this.#post({ type: 'wrong', what });
      this.#hungUp++;
      this.#drop(connection);
    },
  };

  /** What this connection had under way will not be answered. */
  #drop(connection: LoadConnection): void {
    this.#underWay -= connection.underWay;
    if (this.#connections.isOver) this.#wait();
    if (this.#state === 'waiting' && this.#underWay === 0) this.#beQuiet();
  }

  /** A connection that was lost is there again. */
  #goOn(connection: LoadConnection): void {
    if (this.#state !== 'sending' || connection.isLost || performance.now() < this.#startMs) return;
    this.#nowMs = performance.now();
    this.#events.onRoom(connection);
  }

  #phaseOf(dueMs: number): Phase {
    return this.#phases[dueMs < this.#measureMs ? 0 : 1]!;
  }

  // The closed loop.

  #startClosed(): void {
    if (this.#state !== 'sending') return;
    // Timers are up to two milliseconds early; what leaves before its time would seem to be answered sooner.
    this.#nowMs = performance.now();
    if (this.#nowMs < this.#startMs) {
      setImmediate(() => this.#startClosed());
      return;
    }
    for (const connection of this.#connections.all) {
      if (this.#state === 'sending' && !connection.isLost) this.#sendMore(connection);
    }
    const leftMs = this.#endMs - this.#nowMs;
    // Timers take 24 days at most; a run without a limit of time has one of lines.
    if (leftMs < 2 ** 31) setTimeout(() => this.#wait(), leftMs);
  }

  #sendMore(connection: LoadConnection): void {
    const nowMs = this.#nowMs;
    if (nowMs >= this.#endMs) {
      this.#wait();
      return;
    }
    let count = this.#plan.pipeline - connection.underWay;
    const phase = this.#phaseOf(nowMs);
    if (count > phase.budget) count = phase.budget;
    phase.budget -= count;
    phase.sent += count;
    if (count > 0) {
      this.#underWay += count;
      connection.send(count, nowMs);
    }
    if (phase.budget === 0) this.#wait();
  }

  /** A closed loop without a limit of time waits for replies alone: when none comes any more, it is over. */
  #endStill(): void {
    if (this.#schedule !== undefined || this.#endMs !== Number.POSITIVE_INFINITY) return;
    const isStill = () =>
      (this.#underWay > 0 || this.#connections.isCutOff) &&
      performance.now() - this.#nowMs > this.#plan.graceMs + (this.#plan.server?.startMs ?? 0);
    // Checked again after the sockets were polled: this process itself may have been stopped.
    if (isStill()) setTimeout(() => isStill() && this.#beQuiet(), 1);
  }

  // The open loop.

  /** When line `line` of connection `index` should leave. */
  #dueMs(line: number, index: number): number {
    const mine = line * this.#connections.all.length + index;
    return this.#startMs + this.#schedule!.dueMs(mine * this.#plan.threads + this.#thread);
  }

  #tick(): void {
    if (this.#state !== 'sending') return;
    const nowMs = performance.now();
    const connections = this.#connections.all;
    let nextMs = 0;
    while (true) {
      nextMs = this.#startMs + this.#schedule!.dueMs(this.#nextLine * this.#plan.threads + this.#thread);
      if (nextMs > nowMs) break;
      const connection = connections[this.#nextLine++ % connections.length]!;
      connection.due++;
      if (connection.isListed) continue;
      connection.isListed = true;
      this.#listed.push(connection);
    }
    for (const connection of this.#listed) {
      connection.isListed = false;
      this.#sendDue(connection, nowMs);
    }
    this.#listed.length = 0;
    if (nowMs >= this.#endMs) {
      const isBehind = connections.some(({ isLost, due, sent }) => !isLost && due > sent);
      if (!isBehind || nowMs >= this.#endMs + BACKLOG_MS) {
        this.#wait();
        return;
      }
      nextMs = nowMs;
    }
    const leftMs = nextMs - nowMs;
    if (this.#plan.pace === 'precise' && leftMs < TIMER_MS) setImmediate(() => this.#tick());
    else setTimeout(() => this.#tick(), Math.max(1, Math.floor(Math.min(leftMs, this.#endMs - nowMs) - 1)));
  }

  #sendDue(connection: LoadConnection, nowMs: number): void {
    const room = this.#plan.pipeline - connection.underWay;
    if (connection.isLost || room <= 0 || connection.due === connection.sent) return;
    const count = connection.sendDue(room, nowMs, line => {
      const dueMs = this.#dueMs(line, connection.index);
      const phase = this.#phaseOf(dueMs);
      phase.sent++;
      phase.late += nowMs - dueMs > LATE_MS ? 1 : 0;
      return dueMs;
    });
    this.#underWay += count;
  }

  /** Lines that were due, or were to become due, and never left. Only those that would have been measured count. */
  #countUnsent(): number {
    if (this.#schedule === undefined) return 0;
    const { all } = this.#connections;
    const lines = Math.ceil((this.#schedule.lines - this.#thread) / this.#plan.threads);
    const senders = all.map(({ index, sent }) => ({
      dueMs: (line: number) => this.#dueMs(line, index),
      sent,
      lines: Math.ceil((lines - index) / all.length),
    }));
    // Stopped early, lines of the time that did not come are not missing.
    return countUnsent(senders, this.#measureMs, this.#isStopped ? performance.now() : Infinity);
  }

  // The end.

  #wait(): void {
    if (this.#state !== 'sending') return;
    this.#state = 'waiting';
    this.#isTimeOver = performance.now() >= this.#endMs;
    this.#unsent = this.#countUnsent();
    const { graceMs, work, server } = this.#plan;
    // What is sent again waits for a server that was killed at the end, too.
    const backMs = work.ids && !this.#isStopped ? (server?.startMs ?? 0) : 0;
    if (this.#underWay === 0) this.#beQuiet();
    else this.#graceOver = setTimeout(() => this.#beQuiet(), graceMs + backMs);
  }

  #beQuiet(): void {
    if (this.#state === 'quiet') return;
    this.#state = 'quiet';
    clearInterval(this.#progress);
    clearTimeout(this.#graceOver);
    this.#tellProgress();
    this.#post({ type: 'quiet' });
    void this.#close();
  }

  /** Ends every connection and waits a little: a surplus reply may still arrive. */
  async #close(): Promise<void> {
    const open = this.#connections.all.filter(({ isLost }) => !isLost);
    const { measured: unknownLost, warmup: unknownLostWarmup } = this.#connections.unknown('lost');
    const closed = open.map(
      connection =>
        new Promise<void>(resolve => {
          connection.socket.once('close', () => resolve());
          connection.end();
        }),
    );
    await Promise.race([Promise.all(closed), new Promise(resolve => setTimeout(resolve, CLOSE_MS))]);
    const { measured: unknown, warmup: unknownWarmup } = this.#connections.unknown('all');
    for (const connection of this.#connections.all) connection.destroy();
    const { accepted, unanswered } = this.#ledger;
    const endMs = this.#isTimeOver ? this.#endMs : this.#measured.lastReplyMs;
    const outcome = {
      ...this.#measured.outcome(),
      reasons: [...this.#judge.reasons],
      unknown,
      unknownWarmup,
      unknownLost,
      unknownLostWarmup,
      unsent: this.#unsent,
      ...this.#connections.outcome(),
      open: open.length,
      hungUp: this.#hungUp,
      inTime: this.#inTime,
      measuredMs: Math.max(0, endMs - this.#measureMs),
      accepted,
      unanswered,
    };
    this.#tellProgress();
    this.#post({ type: 'done', outcome }, [accepted.buffer as ArrayBuffer, unanswered.buffer as ArrayBuffer]);
  }

  #tellProgress(): void {
    this.#post({ type: 'progress', ...this.#measured.progress() });
  }
}
