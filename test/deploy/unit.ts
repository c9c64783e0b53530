/** A unit on a machine of its own: its settings, what systemd says of it, what it has logged, and what it promises. */
import { expect } from 'vitest';
import { until } from '../../src/tools/harness/waiting.ts';
import type { Machine } from './machine.ts';

const START_MS_MAX = 20_000;
/** From which systemd takes users that exist while a unit runs. */
const DYNAMIC_USERS = [61_184, 65_519] as const;

export class Unit {
  readonly machine: Machine;
  readonly name: string;
  readonly #settings: string;
  #since = '';

  /** `settings` is the name of its file in /etc/default. */
  constructor(machine: Machine, name: string, settings = name) {
    this.machine = machine;
    this.name = name;
    this.#settings = settings;
  }

  /** Starts it anew, with these variables. Resolves when systemd says that it is started. */
  async begin(variables: Record<string, string | number>): Promise<void> {
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
    await this.machine.write(`/etc/default/${this.#settings}`, lines.join(''));
    await this.machine.run(`systemctl stop ${this.name}; systemctl reset-failed ${this.name} || true`);
    this.#since = (await this.machine.run('date +@%s.%6N')).trim();
    await this.do('start');
  }

  do(verb: 'start' | 'stop' | 'reload' | 'restart', limitMs?: number): Promise<string> {
    return this.machine.run(`systemctl ${verb} ${this.name}`, '', limitMs);
  }

  async says(property: string): Promise<string> {
    return (await this.machine.run(`systemctl show --value --property ${property} ${this.name}`)).trim();
  }

  /** What its processes have printed since it was begun. */
  async printed(): Promise<string[]> {
    const program = `_SYSTEMD_UNIT=${this.name}.service`;
    const text = await this.machine.run(`journalctl --quiet --output cat --since ${this.#since} ${program}`);
    return text.split('\n').filter(line => line !== '');
  }

  prints(what: RegExp): Promise<void> {
    const isThere = async () => (await this.printed()).some(line => what.test(line));
    return until(isThere, `${this.name} prints ${what}`, START_MS_MAX);
  }

  /** Its last line of this event. */
  async logged(event: string): Promise<Record<string, unknown>> {
    const start = `{"event":"${event}"`;
    await this.prints(new RegExp(`^${start}`));
    return JSON.parse((await this.printed()).findLast(line => line.startsWith(start))!);
  }

  /** Kills its main process, and waits until it is there again. */
  async comesBack(): Promise<void> {
    const pid = await this.says('MainPID');
    await this.machine.run(`kill -KILL ${pid}`);
    const isThere = async () =>
      (await this.says('NRestarts')) === '1' && (await this.says('MainPID')) !== pid;
    await until(isThere, `${this.name} is started again`, START_MS_MAX);
  }

  /** Its main process is of a user that exists while it runs, and may gain no rights. */
  async hasNoRights(): Promise<void> {
    const status = await this.machine.run(`cat /proc/${await this.says('MainPID')}/status`);
    const inStatus = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1];
    expect(Number(inStatus('Uid')), 'its user').toBeGreaterThanOrEqual(DYNAMIC_USERS[0]);
    expect(Number(inStatus('Uid')), 'its user').toBeLessThanOrEqual(DYNAMIC_USERS[1]);
    expect([inStatus('NoNewPrivs'), inStatus('Seccomp')]).toEqual(['1', '2']);
    for (const name of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb']) expect(inStatus(name), name).toMatch(/^0+$/);
  }

  /** Waits until it serves. */
  async answers(port: number, request: string): Promise<string> {
    let reply = '';
    const isThere = async () => {
      reply = await this.machine.exchange(port, request).catch(() => '');
      return reply !== '';
    };
    await until(isThere, `${this.name} answers on port ${port}`, START_MS_MAX);
    return reply;
  }
}
