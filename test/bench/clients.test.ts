/**
 * The clients of the peers' bench on servers that are wrong on purpose: one event goes wrong, and the trial must not
 * count. And what the figures of two clients let anybody claim.
 */
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { BenchRecord } from '../../bench/bench.ts';
import { withClientInC } from '../../bench/peers/client-in-c.ts';
import type { Client } from '../../bench/peers/peers.ts';
import type { Subject } from '../../bench/peers/subjects.ts';
import { CLIENT_CPU, IN_C, IN_JAVASCRIPT, ratiosText, worseText } from '../../bench/peers/worse.ts';
import type { ProtocolName } from '../../src/tools/load/plan.ts';
import { ACCEPTED, BUSY, okLine } from '../support/asking.ts';

// Compiled: the load generator starts threads.
const peers = new URL('../../dist/bench/peers/peers.js', import.meta.url).href;
const { clientInC, GENERATOR, trialBy } = (await import(
  peers
)) as typeof import('../../bench/peers/peers.ts');

interface Fault {
  /** The reply to the faulty event in place of this one; undefined: it hangs up. */
  reply?: (right: string) => string | undefined;
  /** Whether the faulty event's money is not kept. */
  forgets?: boolean;
}
/** One of those that are sent before the first reply, so that it comes however slow all is. */
const FAULTY_EVENT = 500;

const LINES: Record<ProtocolName, RegExp> = {
  tally:
    /\{(?:"type":"balance",)?"user":"(?<user>\w+)"(?:,"action":"(?<action>\w+)","amount":(?<amount>\d+))?\}\n/y,
  // The look ahead: not before the command is whole.
  redis:
    /\*(?=2|3\r\n(?:.+\r\n){6})\d\r\n\$\d\r\n(?:GET|(?<action>\w+))\r\n\$\d\r\n(?<user>\w+)\r\n(?:\$\d\r\n(?<amount>\d+)\r\n)?/y,
};

/** Answers a line, by its parts. Every event is right but the one with the fault. */
function answersWith(protocol: ProtocolName, fault: Fault) {
  const told = new Map<string, number>();
  const kept = new Map<string, number>();
  let events = 0;
  const add = (balances: Map<string, number>, user: string, amount: number) =>
    balances.set(user, (balances.get(user) ?? 0) + amount).get(user)!;
  return ({ user, action, amount }: Record<string, string>): string | undefined => {
    if (action === undefined) {
      const balance = kept.get(user!) ?? 0;
      return protocol === 'tally' ? `${okLine(balance)}\n` : `$${`${balance}`.length}\r\n${balance}\r\n`;
    }
    const isFaulty = ++events === FAULTY_EVENT;
    const change = Number(amount) * (/buy|INCRBY/.test(action) ? 1 : -1);
    if (!isFaulty || !fault.forgets) add(kept, user!, change);
    const right = protocol === 'tally' ? `${ACCEPTED}\n` : `:${add(told, user!, change)}\r\n`;
    return isFaulty && fault.reply ? fault.reply(right) : right;
  };
}

/** A small server of either protocol, in this process. */
function serverWith(protocol: ProtocolName, fault: Fault): Subject {
  const start = async () => {
    const answer = answersWith(protocol, fault);
    const server = createServer({ allowHalfOpen: true }, socket => {
      let text = '';
      socket.setEncoding('latin1').on('data', chunk => {
        text += chunk;
        const line = new RegExp(LINES[protocol]);
        let taken = 0;
        let replies = '';
        for (let found = line.exec(text); found; found = line.exec(text)) {
          taken = line.lastIndex;
          const reply = answer(found.groups!);
          if (reply === undefined) return socket.destroy();
          replies += reply;
        }
        text = text.slice(taken);
        socket.write(replies);
      });
      socket.on('end', () => socket.end()).on('error', () => {});
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const stop = async () => {
      server.close();
      return 0;
    };
    return { name: 'it', port, pid: process.pid, cpuSeconds: () => undefined, stop };
  };
  return { name: 'it', protocol, keepsMoney: true, endsWith: 0, start };
}

/** One trial of it. Skipped for the client in C where there is no compiler. */
function tryOn(protocol: ProtocolName, fault: Fault, client: string, skip: () => never, said: string[] = []) {
  const run = (by: Client) =>
    trialBy(by, serverWith(protocol, fault), 16, 'small', line => said.push(line)).run();
  if (client === IN_JAVASCRIPT) return run(GENERATOR);
  return withClientInC(
    () => {},
    program => run(program === undefined ? skip() : clientInC(program)),
  );
}

describe.concurrent('a trial', () => {
  const PROTOCOLS: ProtocolName[] = ['tally', 'redis'];
  const ALL = [IN_C, IN_JAVASCRIPT].flatMap(client => PROTOCOLS.map(protocol => ({ client, protocol })));

  test.for(ALL)(
    'by the $client of a right $protocol server counts',
    async ({ client, protocol }, { skip }) => {
      const figures = await tryOn(protocol, {}, client, skip);
      expect(figures.map(({ unit, value }) => [unit, value > 0])).toEqual([
        ['events/s', true],
        [CLIENT_CPU, true],
      ]);
    },
  );

  test.for(ALL)('by the $client of a $protocol server that loses an event does not', async (of, { skip }) => {
    const tried = tryOn(of.protocol, { forgets: true }, of.client, skip);
    await expect(tried).rejects.toThrow('the money is wrong');
    await expect(tried).rejects.toThrow('1 event');
  });

  test.for<
    [
      what: string,
      protocol: ProtocolName,
      reply: (right: string) => string | undefined,
      message: string | RegExp,
    ]
  >([
    [
      'another reply',
      'tally',
      () => '{"status":"sorry"}\n',
      'it: client: the server sent {"status":"sorry"}',
    ],
    [
      'a reply too many',
      'tally',
      right => right + right,
      /what came after the last reply|a reply that nobody asked for/,
    ],
    ['no reply but a closed connection', 'tally', () => undefined, 'the server hung up'],
    ['no sum', 'redis', () => '+OK\r\n', 'the server sent +OK'],
    ['an empty sum', 'redis', () => ':\r\n', 'the server sent :'],
    ['a wrong sum', 'redis', right => right.replace('0\r', '1\r'), 'the replies add up to'],
  ])('by the client in C does not count with %s', async ([_, protocol, reply, message], { skip }) => {
    await expect(tryOn(protocol, { reply }, IN_C, skip)).rejects.toThrow(message);
  });

  test('by the client in C is tried again when a line is refused, a few times', async ({ skip }) => {
    const said: string[] = [];
    const tried = tryOn('tally', { reply: () => `${BUSY}\n` }, IN_C, skip, said);
    await expect(tried).rejects.toThrow('it refused lines as busy or full');
    expect(said).toHaveLength(4);
  });
});

describe('of the figures of two clients', () => {
  const measure = (subject: string, condition: string, unit: string, ...samples: number[]) => ({
    ...{ subject, condition, unit, samples },
    better: 'higher' as const,
  });
  const by = (subject: string, depth: string, inC: number, inJavaScript: number) => [
    ...[measure(subject, `${depth}, ${IN_C}`, 'events/s', inC)],
    ...[measure(subject, `${depth}, ${IN_JAVASCRIPT}`, 'events/s', inJavaScript)],
    ...[IN_C, IN_JAVASCRIPT].flatMap(client => [
      measure(subject, `${depth}, ${client}`, 'µs CPU/event', 10),
      measure(subject, `${depth}, ${client}`, CLIENT_CPU, 2.5),
    ]),
  ];
  const measures = [
    ...by('tally', 'depth 1', 55_900, 100_000),
    ...by('redis INCRBY', 'depth 1', 100_000, 101_000),
    ...by('tally', 'depth 16', 399_000, 200_000),
    ...by('redis INCRBY', 'depth 16', 100_000, 100_000),
  ];
  const record = (some = measures) => ({ bench: 'peers', measures: some }) as BenchRecord;

  test('the worse is claimed, and rounded down', () => {
    expect(worseText(record())).toBe(`\
| events/s of tally, for each of | depth 1 | depth 16 |
| --- | ---: | ---: |
| redis INCRBY | 0.55× | 2.0× |
`);
  });

  test('all are told, with the cores that the server and the client had, a whole one in bold', () => {
    const rows = ratiosText(record()).split('\n');
    expect(rows).toContain('| redis INCRBY, client in C | 0.55× | 3.9× |');
    expect(rows).toContain('| redis INCRBY, client in JavaScript | 0.99× | 2.0× |');
    expect(rows).toContain('| **redis INCRBY, the worse of the two** | **0.55×** | **2.0×** |');
    expect(rows).toContain('| tally, client in C | 0.56 + 0.14 | **3.99** + **1.00** |');
  });

  test('one client alone, or no Redis, is not enough to claim anything', () => {
    const without = (text: string) =>
      record(measures.filter(({ subject, condition }) => !`${subject}, ${condition}`.includes(text)));
    expect(() => worseText(without(IN_C))).toThrow('peers has no events/s of tally at depth 1, client in C');
    expect(() => worseText(without('redis'))).toThrow('peers has no figures of redis INCRBY');
  });
});
