/** A reload is all or nothing: who takes part, in which order, and what is left where one of them fails. */
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { textsOf } from '../../src/config/files-read.ts';
import { readSettings } from '../../src/config/read.ts';
import { KEYS, nameOf, SETTINGS, type Settings } from '../../src/config/settings.ts';
import { Log } from '../../src/log.ts';
import { Reload, type Reloadable } from '../../src/server/reload.ts';
import type { Phase } from '../../src/session/state.ts';
import { until } from '../../src/tools/harness/waiting.ts';

type Event = Record<string, unknown>;

/** A reload of a server that is not there; `next` is what it reads. */
class World {
  readonly settings: Settings = readSettings(['--config', 'tally.toml'], {});
  next: Settings = { ...this.settings };
  phase: Phase = 'serving';
  readonly events: Event[] = [];
  readonly lines: string[] = [];
  /** What was done, in its order. */
  readonly done: string[] = [];
  reads = 0;
  /** What reading waits for. */
  gate: Promise<void> | undefined;
  mistake: string | undefined;
  readonly reload: Reload;

  constructor(...participants: Reloadable[]) {
    const stream = new Writable({
      write: (line, _, written) => {
        this.lines.push(String(line));
        if (this.settings.logFormat !== 'text') this.events.push(JSON.parse(String(line)) as Event);
        written();
      },
    });
    const world = this;
    this.reload = new Reload({
      settings: this.settings,
      log: new Log(this.settings, Object.assign(stream, { isTTY: false as const }) as never),
      sessions: {
        get phase() {
          return world.phase;
        },
        settingsChanged: () => this.done.push(`all know ${this.settings.connectionsMax}`),
      },
      reread: async () => {
        this.reads += 1;
        const next = { ...this.next };
        await this.gate;
        if (this.mistake !== undefined) throw new Error(this.mistake);
        return next;
      },
      participants,
    });
    this.reload.begin();
  }

  /** Asks for one, and returns what is logged of it. */
  async run(): Promise<Event> {
    const { length } = this.events;
    this.reload.request();
    await until(() => this.events.length > length, 'a reload');
    const { time: _, ...event } = this.events.at(-1)!;
    return event;
  }
}

const reloaded = (changes: object) => ({ event: 'reloaded', level: 'info', changes });
const failed = (reason: string) => ({ event: 'reload_failed', level: 'error', reason });

/** Notes what is asked of it. */
function participant(done: string[], name: string, mistake?: string): Reloadable {
  return {
    async prepare({ connectionsMax }) {
      done.push(`${name} reads for ${connectionsMax}`);
      if (mistake !== undefined) throw new Error(mistake);
      return () => done.push(`${name} changes`);
    },
  };
}

describe('a reload', () => {
  test('writes what has changed into the settings that all read, and says it', async () => {
    const world = new World();
    Object.assign(world.next, { connectionsMax: 7, logLevel: 'error', debugRequests: true });
    expect(await world.run()).toEqual(
      reloaded({
        'connections-max': [10_000, 7],
        'debug-requests': [false, true],
        'log-level': ['info', 'error'],
      }),
    );
    expect(world.settings).toEqual(world.next);
    expect(world.done).toEqual(['all know 7']);
    expect(await world.run()).toEqual(reloaded({}));
  });

  test('of a file with a mistake changes nothing', async () => {
    const world = new World();
    const before = { ...world.settings };
    world.next.connectionsMax = 7;
    world.mistake = 'tally.toml:3: prot is no setting';
    expect(await world.run()).toEqual(failed('tally.toml:3: prot is no setting'));
    expect(world.settings).toEqual(before);
    expect(world.done).toEqual([]);
  });

  test.each(KEYS.filter(key => !SETTINGS[key].mayChange))(
    'that would change %s is refused as a whole',
    async key => {
      const world = new World();
      const before = { ...world.settings };
      const [now, then] = [before[key], SETTINGS[key].is === 'integer' ? 4_711 : 'other'];
      Object.assign(world.next, { connectionsMax: 7, [key]: then });
      expect(await world.run()).toEqual(
        failed(`only a restart can change this: ${nameOf(key)} is ${now}, and would be ${then}`),
      );
      expect(world.settings).toEqual(before);
      expect(world.done).toEqual([]);
    },
  );

  test('is refused once the server stops, and says nothing when the last line may be out', async () => {
    const world = new World();
    world.next.connectionsMax = 7;
    world.phase = 'draining';
    expect(await world.run()).toEqual(failed('the server is stopping'));
    world.phase = 'ending';
    world.reload.request();
    await until(() => world.reads === 2, 'the second');
    await new Promise(setImmediate);
    expect(world.events).toHaveLength(1);
    expect(world.settings.connectionsMax).toBe(10_000);
  });

  test('waits for the first line of the log', async () => {
    const world = new World();
    const parts = { settings: world.settings, log: {} as Log, sessions: {} as never };
    let reads = 0;
    const early = new Reload({
      ...parts,
      reread: () => {
        reads += 1;
        return new Promise(() => {});
      },
    });
    early.request();
    early.request();
    await new Promise(setImmediate);
    expect(reads).toBe(0);
    early.begin();
    expect(reads).toBe(1);
  });
});

describe('the files that were read again', () => {
  const files = {
    'tls-cert': { differs: true },
    'tls-key': { differs: false },
    tokens: { entries: 3, added: 2, removed: 1, changed: 1 },
    'jwt-keys': { entries: 1, added: 0, removed: 0, changed: 0 },
  };
  const reads: Reloadable = {
    prepare(_, read) {
      Object.assign(read, files);
      return () => {};
    },
  };

  test('are in the line of the log', async () => {
    expect(await new World(reads).run()).toEqual({ ...reloaded({}), files });
    expect(textsOf(files)).toEqual([
      'tls-cert is another',
      'tls-key is the same',
      'tokens has 3 entries, 2 new, 1 gone, 1 changed',
      'jwt-keys has 1 entry, the same',
    ]);
  });

  test('stand behind what has changed, on a line with its time and level', async () => {
    const world = new World(reads);
    Object.assign(world.settings, { logFormat: 'text' });
    Object.assign(world.next, { logFormat: 'text' });
    world.reload.request();
    await until(() => world.lines.length > 0, 'a reload');
    expect(world.lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}reloaded: no setting has changed; tls-cert is another; .*, the same\n$/,
    );
  });
});

describe('those who take part', () => {
  test('all read before the first changes, and also when no setting has changed', async () => {
    const done: string[] = [];
    const world = new World(participant(done, 'one'), participant(done, 'two'));
    await world.run();
    expect(done).toEqual(['one reads for 10000', 'two reads for 10000', 'one changes', 'two changes']);
    world.next.connectionsMax = 7;
    await world.run();
    expect(done.slice(4)).toEqual(['one reads for 7', 'two reads for 7', 'one changes', 'two changes']);
  });

  test('keep all others from changing when one of them has a mistake', async () => {
    const done: string[] = [];
    const world = new World(participant(done, 'one'), participant(done, 'two', 'cert.pem: no certificate'));
    world.next.connectionsMax = 7;
    expect(await world.run()).toEqual(failed('cert.pem: no certificate'));
    expect(done).toEqual(['one reads for 7', 'two reads for 7']);
    expect(world.settings.connectionsMax).toBe(10_000);
  });

  test('make a reload possible without a file of settings', () => {
    const possible = (config: string, ...participants: Reloadable[]) => {
      const world = new World(...participants);
      world.settings.config = config;
      return world.reload.isPossible;
    };
    expect([possible(''), possible('tally.toml'), possible('', participant([], 'one'))]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

test('one runs at a time, and what is asked for meanwhile, however often, is one more', async () => {
  const world = new World();
  let open = () => {};
  world.gate = new Promise(resolve => {
    open = resolve;
  });
  world.next.connectionsMax = 1;
  world.reload.request();
  for (let connectionsMax = 2; connectionsMax < 9; connectionsMax += 1) {
    world.next.connectionsMax = connectionsMax;
    world.reload.request();
  }
  await new Promise(setImmediate);
  expect(world.reads).toBe(1);
  open();
  await until(() => world.events.length === 2, 'two reloads');
  await new Promise(setImmediate);
  // The last one has read what there was when the last signal came.
  expect(world.events.map(({ changes }) => changes)).toEqual([
    { 'connections-max': [10_000, 1] },
    { 'connections-max': [1, 8] },
  ]);
});
