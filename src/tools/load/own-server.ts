/**
 * The server under load, where the run starts it itself (`--cmd`): killed with SIGKILL in the midst of the load
 * (`--kill-every`), and started again by the same command. So what it had acknowledged must be somewhere else than in
 * its memory when the balances are read at the end.
 */
import { addressText } from '../../cli/terminal/address.ts';
import { startCommand } from '../harness/elsewhere.ts';
import { isListening, type Server } from '../harness/server.ts';
import { until, within } from '../harness/waiting.ts';
import type { LoadPlan, OwnServer as OwnServerPlan } from './plan.ts';

export interface Kill {
  /** Of the same clock as `killFrom`. */
  atMs: number;
  /** Until it listened again; undefined: it did not. */
  downMs: number | undefined;
}

/** For a port to be free when its process has been killed. */
const FREE_MS_MAX = 5_000;
/** For what a server still has to do when it was asked to end. */
const STOP_MS_MAX = 5_000;

export class OwnServer {
  readonly kills: Kill[] = [];
  /** It has ended by itself, or did not come back: then no more is done. */
  failure: string | undefined;
  readonly #plan: OwnServerPlan;
  readonly #port: number;
  /** Undefined: it was killed, and is not there yet. */
  #server: Server | undefined;
  #onFailed: (why: string) => void = () => {};
  #isOver = false;
  #next: NodeJS.Timeout | undefined;
  #restart: Promise<void> = Promise.resolve();

  private constructor(plan: OwnServerPlan, port: number, server: Server) {
    this.#plan = plan;
    this.#port = port;
    this.#server = server;
    this.#watch(server);
  }

  /** Resolves when it listens. Throws if it does not, or if something else does already. */
  static async start(plan: OwnServerPlan, { host, port }: LoadPlan): Promise<OwnServer> {
    if (await isListening(host, port))
      throw new Error(
        `something listens on ${addressText({ host, port })} already; --cmd starts the server itself (--port takes another port)`,
      );
    return new OwnServer(plan, port, await startCommandOn(plan, port));
  }

  /** Called once, at once if it has failed already. */
  onFailed(tell: (why: string) => void): void {
    this.#onFailed = tell;
    if (this.failure !== undefined) tell(this.failure);
  }

  /** Kills it again and again, first when the clock `nowMs` has reached `atMs`. */
  killFrom(atMs: number, nowMs: () => number): void {
    const { killEveryMs } = this.#plan;
    if (killEveryMs === undefined) return;
    const later = (ms: number) => {
      this.#next = setTimeout(() => {
        this.#restart = this.#killAndStart(nowMs).then(isBack => {
          if (isBack && !this.#isOver) later(killEveryMs);
        });
      }, ms);
    };
    later(atMs - nowMs());
  }

  /** Kills no more; resolves when it is there again, or has failed. */
  async settle(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#next);
    await this.#restart;
  }

  /** Asks it to end, and ends it if it does not. */
  async stop(): Promise<void> {
    await this.settle();
    const last = this.#server;
    if (last === undefined) return;
    // Its end is no news, as with a kill.
    this.#server = undefined;
    if (!last.hasEnded) {
      last.signal('SIGTERM');
      await within(STOP_MS_MAX, last.ended);
    }
    await last.stop();
  }

  async #killAndStart(nowMs: () => number): Promise<boolean> {
    const killed = this.#server;
    if (killed === undefined || this.failure !== undefined) return false;
    const kill: Kill = { atMs: nowMs(), downMs: undefined };
    this.kills.push(kill);
    this.#server = undefined;
    try {
      await killed.stop();
      const isFree = async () => !(await isListening(killed.host, this.#port));
      await until(isFree, `port ${this.#port} is free`, FREE_MS_MAX);
      this.#server = await startCommandOn(this.#plan, this.#port);
    } catch (error) {
      this.#fail(`the server did not come back after it was killed: ${(error as Error).message}`);
      return false;
    }
    kill.downMs = nowMs() - kill.atMs;
    this.#watch(this.#server);
    return true;
  }

  #watch(server: Server): void {
    void server.ended.then(({ exitCode, signal }) => {
      if (this.#server !== server) return;
      const said = server.output() === '' ? '' : `; it printed:\n${server.output()}`;
      this.#fail(`the server ended by itself, with ${exitCode ?? signal}${said}`);
    });
  }

  #fail(why: string): void {
    if (this.failure !== undefined) return;
    this.failure = why;
    clearTimeout(this.#next);
    this.#onFailed(why);
  }
}

function startCommandOn({ command, startMs }: OwnServerPlan, port: number): Promise<Server> {
  return startCommand(command, {}, { port, limitMs: startMs });
}
