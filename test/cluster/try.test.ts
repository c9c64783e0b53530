/** What `tally cluster try` makes of its flags and of what it sees; and that its money check finds what is lost. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { columnsOf, fitted } from '../../src/cli/terminal/drawing.ts';
import { outageText } from '../../src/tools/cluster/try/acts.ts';
import { Load } from '../../src/tools/cluster/try/load.ts';
import { type NodeLook, readNode } from '../../src/tools/cluster/try/look.ts';
import type { NatsLook } from '../../src/tools/cluster/try/nats-look.ts';
import { readOptions } from '../../src/tools/cluster/try/options.ts';
import { pressed } from '../../src/tools/cluster/try/pressing.ts';
import { foundText, type TrialView, trialLines } from '../../src/tools/cluster/try/view.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { runCli } from '../support/server.ts';

describe('the flags', () => {
  test.each([
    [[], { loadMs: undefined, kills: [], http: false }],
    [['--seconds', '3'], { loadMs: 3_000, kills: [], http: false }],
    [
      ['--kill', 'node', '--kill', 'nats-leader', '--http'],
      { loadMs: 10_000, kills: ['node', 'nats-leader'], http: true },
    ],
  ])('%j', (args, wanted) => expect(readOptions(args)).toEqual(wanted));

  test.each([
    [['--kill', 'nats-leade'], 'neither node nor nats-leader (nats-leader?)'],
    [['--seconds', 'soon'], 'is not a time'],
    [['--seconds', '0'], 'is not a time'],
    [['now'], 'flags only'],
    [['--kil', 'node'], '(--kill?)'],
  ])('%j is refused', (args, why) => expect(() => readOptions(args)).toThrow(why));
});

test('keys are digits, or letters for NATS', () => {
  const said: string[] = [];
  const acts = {
    toggleNode: async (place: number) => void said.push(`node ${place}`),
    toggleNats: async (place: number) => void said.push(`nats ${place}`),
    toggleLoad: () => void said.push('load'),
  };
  for (const key of '1346ac7lx') pressed(key, acts as unknown as Parameters<typeof pressed>[1]);
  expect(said).toEqual(['node 0', 'node 2', 'nats 0', 'nats 2', 'nats 0', 'nats 2', 'load']);
});

test('without nats-server it is one line that says how to get it', async () => {
  const { exitCode, stdout, stderr } = await runCli(['cluster', 'try'], { PATH: '/nowhere' });
  expect([exitCode, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /^tally cluster try: nats-server is not installed here; apt-get install nats-server.*\n$/,
  );
});

const metricsOf = (sent: number, stored: number) =>
  JSON.stringify({
    ...{ received: 3 * sent, processed: 3 * sent, dropped: 0 },
    cluster: {
      ...{ lags: [1, 2], blocks_under_way: 1, blocks_stored: stored, events_sent: sent, ack_ms: 4 * stored },
      ...{ snapshot_age_ms: 65_000, makes_snapshots: 0 },
    },
  });

describe('a look at a node', () => {
  const first = readNode('{"status":"ok"}', metricsOf(1_000, 10), [], 1_000)!;

  test('has rates over a second and a half at least', () => {
    const soon = readNode('{"status":"ok"}', metricsOf(1_500, 20), [first], 2_000)!;
    expect(soon.rates).toBeUndefined();
    const later = readNode('{"status":"degraded"}', metricsOf(2_000, 20), [first, soon], 3_000)!;
    expect(later).toMatchObject({ state: 'degraded', figures: { lag: 3, snapshotAgeMs: 65_000 } });
    expect(later.rates).toEqual({ sentPerS: 500, appliedPerS: 1_500, ackMs: 4 });
    const none = readNode('{"status":"ok"}', metricsOf(2_000, 10), [first], 3_000)!;
    expect(none.rates!.ackMs).toBeUndefined();
  });

  test('is none of a server alone', () => {
    expect(readNode('{"status":"ok"}', '{"received":1,"processed":1,"dropped":0}', [])).toBeUndefined();
  });
});

describe('the table', () => {
  const look: NodeLook = readNode(
    '{"status":"ok"}',
    metricsOf(1_000, 10),
    [readNode('{"status":"ok"}', metricsOf(0, 0), [], 0)!],
    2_000,
  )!;
  const node = (name: string, more: object = {}) => ({
    ...{ name, address: '127.0.0.1:28000', page: undefined, look, complaint: '', madeSnapshot: false },
    ...more,
  });
  const nats = (name: string, leads: number): NatsLook => ({
    ...{ name, address: '127.0.0.1:24000', state: 'up', leads, streams: 6, isMetaLeader: leads === 3 },
  });
  const down = { ...look, state: 'down', figures: undefined, rates: undefined };
  const view = (rows: number, columns = 80): TrialView => ({
    nodes: [node('node-1', { madeSnapshot: true }), node('node-2', { look: down }), node('node-3')],
    nats: [nats('n1', 3), nats('n2', 1), { ...nats('n3', 0), state: 'down' }],
    load: {
      ...{ isOn: true, accepted: 12_345, open: 60, resent: 7, silentMs: 3_210, wrong: [], nodes: 3 },
      checked: { accepted: 12_000, nodes: ['node-1', 'node-3'] },
    },
    happened: Array.from({ length: 30 }, (_, number) => ['12:00:00', `thing ${number}`] as const),
    ...{ rows, columns, paint: (_, text) => text, folder: 'a folder', elapsedMs: 61_000 },
  });

  test('says how all of them are', () => {
    const text = trialLines(view(24)).join('\n');
    expect(text).toContain('1 node-1  up        127.0.0.1:28000        500      1,500     3    4.00 ms');
    expect(text).toContain('2 node-2  down      127.0.0.1:28000          –          –     –          –');
    expect(text).toContain('4 n1      up        127.0.0.1:24000    3 of 6 streams; makes new ones');
    expect(text).toContain('2 streams have no leader: what is sent there waits; no answer for 3.2 s');
    expect(text).toContain('12,345 events acknowledged, 60 under way, 7 sent again');
    expect(text).toContain('12,000 checked, all there on 2 of 3 nodes');
    expect(text).toContain('node-1 made the newest, 1 m 5 s old');
    expect(text).toContain('thing 29');
    expect(text).toContain(`echo '{"user":"alice","action":"buy","amount":100}' | nc -N 127.0.0.1 28000`);
  });

  test('has its keys in its last row, and the last things that happened, however few rows there are', () => {
    for (const rows of [3, 10, 24, 60]) {
      const lines = trialLines(view(rows));
      expect(lines.length).toBe(rows);
      expect(lines.at(-1)).toContain('q quit');
    }
  });

  test.each([
    [80, 24],
    [100, 30],
    [60, 14],
    [60, 40],
  ])('is not cut in %i columns and %i rows, and a line to copy is whole', (columns, rows) => {
    const lines = trialLines(view(rows, columns));
    expect(lines.filter(line => columnsOf(line) > columns)).toEqual([]);
    const text = lines.join('\n');
    for (const part of ['node-3', 'n3', 'load', 'money', 'thing 29', 'no leader', 'q quit'])
      expect(text).toContain(part);
    const { load, ...rest } = view(rows, columns);
    const calm = {
      ...rest,
      load: { ...load, silentMs: 0 },
      nats: [nats('n1', 3), nats('n2', 2), nats('n3', 1)],
    };
    expect(trialLines(calm).join('\n')).toMatch(/echo '.*' \| nc -N 127\.0\.0\.1 28000$/m);
  });

  test('folds what has happened, and shows its start where there is no room to', () => {
    const long = Array.from({ length: 20 }, (_, number) => `word-${number}`).join(' ');
    const happened = [['12:00:00', long]] as const;
    const text = trialLines({ ...view(30), happened }).join('\n');
    expect(text).toContain('12:00:00  word-0');
    expect(text).toContain('word-19');
    const cut = trialLines({ ...view(14, 60), happened }).map(line => fitted(line, 60));
    expect(cut.join('\n')).toContain('12:00:00  word-0');
  });

  test('says what unwell means, and of a snapshot of this second that it is new', () => {
    const { nodes, ...rest } = view(24);
    const fresh = { ...look, figures: { ...look.figures!, snapshotAgeMs: 20 } };
    const well = [nats('n1', 3), nats('n2', 3), { ...nats('n3', 0), state: 'unwell' as const }];
    const text = trialLines({ ...rest, nats: well, nodes: [{ ...nodes[0]!, look: fresh }] }).join('\n');
    expect(text).toContain('unwell: new leaders are being elected, or it catches up');
    expect(text).toContain('0 s old');
  });

  test('says first of all what is wrong', () => {
    const { load, ...rest } = view(24);
    const lines = trialLines({ ...rest, load: { ...load, wrong: ['alice has 3 too many'] } });
    expect(lines.join('\n')).toContain('money     WRONG: alice has 3 too many');
  });
});

test('the end says how much was acknowledged, and how much of that was checked', () => {
  const checked = { accepted: 1_000, nodes: ['node-1', 'node-2', 'node-3'] };
  const load = { accepted: 1_000, resent: 7, checked, nodes: 3 };
  expect(foundText(load)).toBe('1,000 events acknowledged, all there on every node; 7 were sent again');
  expect(foundText({ ...load, accepted: 1_200 })).toBe(
    '1,000 of 1,200 acknowledged events checked, all there on every node; 7 were sent again',
  );
});

test('a wait as short as always is no outage', () => {
  expect(outageText(12)).toBe('nothing was held up: each acknowledgement came within 0.01 s');
  expect(outageText(3_921)).toBe('acknowledgements had stopped for 3.92 s');
});

/** Servers that share their balances, as nodes do. The first one hangs up after so many events. */
class FakeNodes {
  readonly balances = new Map<string, number>();
  readonly replies = new Map<string, string>();
  events = 0;
  repeats = 0;
  /** The event with this number is acknowledged, and not applied. */
  lost = 0;
  /** Ids are not looked at. */
  isForgetful = false;
  hangsUpAt = Number.POSITIVE_INFINITY;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  async start(count: number) {
    const ports: number[] = [];
    for (let place = 0; place < count; place++) {
      const server = createServer(socket => this.#serve(socket, place));
      this.#servers.push(server);
      ports.push(
        await new Promise<number>(resolve => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
        }),
      );
    }
    return ports.map((port, place) => ({ name: `node-${place + 1}`, port, isOpen: true }));
  }

  stop(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket, place: number): void {
    this.#sockets.add(socket);
    let rest = '';
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', text => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      const replies = lines.map(line => this.#reply(JSON.parse(line) as Request));
      if (place === 0 && this.events >= this.hangsUpAt) {
        this.hangsUpAt = Number.POSITIVE_INFINITY;
        socket.resetAndDestroy();
      } else socket.write(replies.map(reply => `${reply}\n`).join(''));
    });
  }

  #reply(request: Request): string {
    const { type, user, from, to, amount, id } = request;
    const known = this.replies.get(id);
    if (known !== undefined) this.repeats += 1;
    if (known !== undefined && !this.isForgetful) return known;
    if (type === 'balance') return `{"status":"ok","balance":${this.balances.get(user) ?? 0}}`;
    this.events += 1;
    const reply = this.#apply(from, type === 'transfer' ? to : user, amount);
    this.replies.set(id, reply);
    return reply;
  }

  #apply(from: string | undefined, to: string, amount: number): string {
    if (from !== undefined && (this.balances.get(from) ?? 0) < amount)
      return '{"status":"rejected","reason":"insufficient_balance"}';
    if (this.events === this.lost) return '{"status":"accepted"}';
    if (from !== undefined) this.#add(from, -amount);
    this.#add(to, amount);
    return '{"status":"accepted"}';
  }

  #add(user: string, amount: number): void {
    this.balances.set(user, (this.balances.get(user) ?? 0) + amount);
  }
}

interface Request {
  readonly type?: string;
  readonly user: string;
  readonly from?: string;
  readonly to: string;
  readonly amount: number;
  readonly id: string;
}

const ROUND_MS = 100;
const SETTLE_MS_MAX = 10_000;

describe('the money check', () => {
  let fakes: FakeNodes;
  let load: Load | undefined;
  afterEach(async () => {
    fakes.stop();
    await load?.stop();
  });

  async function run(settings: Partial<FakeNodes>): Promise<string[]> {
    const wrong: string[] = [];
    fakes = Object.assign(new FakeNodes(), settings);
    load = new Load(await fakes.start(2), what => wrong.push(what), ROUND_MS);
    load.isOn = true;
    await until(() => fakes.events > 200 || wrong.length > 0, 'some events');
    let isSettled = false;
    void load.settled(SETTLE_MS_MAX).then(checked => {
      isSettled = checked !== undefined;
    });
    await until(() => isSettled || wrong.length > 0, 'a verdict', SETTLE_MS_MAX);
    return wrong;
  }

  test('finds everything where nothing is lost, also what was sent again', async () => {
    expect(await run({ hangsUpAt: 50 })).toEqual([]);
    expect(load!.checked).toEqual({ accepted: load!.books.accepted, nodes: ['node-1', 'node-2'] });
    expect(load!.books.accepted).toBeGreaterThan(150);
    expect(Math.min(load!.resent, fakes.repeats)).toBeGreaterThan(0);
  });

  test('finds an event that was acknowledged and lost', async () => {
    expect(await run({ lost: 30 })).toContainEqual(
      expect.stringMatching(/should have -?\d+, and node-\d says/),
    );
  });

  test('finds an event that was applied twice', async () => {
    expect(await run({ hangsUpAt: 50, isForgetful: true })).toContainEqual(
      expect.stringMatching(/should have -?\d+, and node-\d says/),
    );
  });
});
