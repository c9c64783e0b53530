/** A server with a file of settings, which is written anew and read again by the real signal. */
import { writeFileSync } from 'node:fs';
import { until } from '../../src/tools/harness/waiting.ts';
import { type RunningServer, startServer } from './server.ts';

/** What the log says of a reload. */
export type Reloaded = Record<string, unknown> & { event: 'reloaded' | 'reload_failed' };

export class Configured {
  readonly server: RunningServer;
  readonly path: string;

  private constructor(server: RunningServer, path: string) {
    this.server = server;
    this.path = path;
  }

  static async start(
    path: string,
    text: string,
    flags: string[] = [],
    env: Record<string, string> = {},
  ): Promise<Configured> {
    writeFileSync(path, text);
    return new Configured(await startServer(['--config', path, ...flags], env), path);
  }

  /** What has been logged of reloads, the oldest first. */
  get reloads(): Reloaded[] {
    const isOfReload = ({ event }: Record<string, unknown>) =>
      event === 'reloaded' || event === 'reload_failed';
    return this.server.events.filter(isOfReload) as Reloaded[];
  }

  /** Writes the file, signals, and returns what the log says of it, without its time, and with the path as `FILE`. */
  async reload(text: string): Promise<Record<string, unknown>> {
    const { length } = this.reloads;
    writeFileSync(this.path, text);
    this.server.process.kill('SIGHUP');
    await until(() => this.reloads.length > length, 'the log to speak of a reload');
    const { time: _, ...said } = this.reloads[length]!;
    return JSON.parse(JSON.stringify(said).replaceAll(this.path, 'FILE')) as Record<string, unknown>;
  }
}
