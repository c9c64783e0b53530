/** What all three nodes say when nothing happens any more. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../src/tools/harness/client.ts';
import type { Attempt, Deed, Wish } from '../history.ts';
import { timeNow } from './clock.ts';
import { lineOf, replyIn } from './lines.ts';

/** Blocks of the dead may still arrive, and transfers of theirs are late: others see to them after 3 s. */
const AGREEING_MS_MAX = 60_000;
const AGAIN_MS = 100;
const REPLY_MS_MAX = 60_000;
/** In one piece. */
const AT_ONCE = 64;

const KINDS = ['fresh', 'balance'] as const;

export type Balances = Map<string, number>;

export interface Settled {
  /** By node, of all users that were asked for. */
  readonly balances: readonly Balances[];
  /** The questions and their answers, which belong to the history. */
  readonly deeds: readonly Deed[];
  /** Why they can't be settled; empty: they are. */
  readonly complaints: readonly string[];
}

interface NodeState {
  readonly in_transit: number;
  readonly users: number;
  readonly ids: number;
  readonly sequences: readonly number[];
}

/** Until all nodes have the same balances, and no transfer is under way; or long enough to complain. */
export async function settle(
  ports: readonly number[],
  users: readonly string[],
  nextConnection: () => number,
): Promise<Settled> {
  const endMs = performance.now() + AGREEING_MS_MAX;
  const deeds: Deed[] = [];
  for (;;) {
    const disagreement = await agreed(ports, endMs);
    const asked = await Promise.all(ports.map((port, node) => askAll(port, node, users, nextConnection())));
    deeds.push(...asked.flat());
    const said = asked.flatMap(all => KINDS.map(kind => balancesIn(all, kind)));
    const complaints = users.flatMap(user => {
      const all = said.map(each => each.get(user));
      return new Set(all).size === 1 ? [] : [`nodes disagree about ${user}: ${all.join(', ')}`];
    });
    if (disagreement !== undefined) complaints.push(disagreement);
    const isOver = complaints.length === 0 || performance.now() > endMs;
    if (isOver) return { balances: asked.map(all => balancesIn(all, 'balance')), deeds, complaints };
    await sleep(AGAIN_MS);
  }
}

/** All nodes have applied the same, and nothing is in transit; otherwise, in what they differ. */
async function agreed(ports: readonly number[], endMs: number): Promise<string | undefined> {
  for (;;) {
    const states = await Promise.all(ports.map(stateOf));
    const [first, ...others] = states.map(state => JSON.stringify(state));
    if (others.every(other => other === first) && states[0]!.in_transit === 0) return undefined;
    if (performance.now() > endMs)
      return `nodes differ, or something is in transit: ${JSON.stringify(states)}`;
    await sleep(AGAIN_MS);
  }
}

/** Each user's fresh balance, and then the one that this node has. */
function askAll(port: number, node: number, users: readonly string[], connection: number): Promise<Deed[]> {
  const wishes = KINDS.flatMap(kind => users.map((user): Wish => ({ kind, user, amount: 0 })));
  const deeds = wishes.map((wish): Deed => ({ wish, attempts: [] }));
  return askEach(port, node, deeds, connection).then(() => deeds);
}

/** Over one connection, which must live; replies are noted as attempts. Throws an error if one is missing or wrong. */
export async function askEach(
  port: number,
  node: number,
  deeds: readonly Deed[],
  connection: number,
): Promise<void> {
  const client = await Client.open(port);
  try {
    for (let at = 0; at < deeds.length; at += AT_ONCE) {
      const some = deeds.slice(at, at + AT_ONCE);
      const attempts = some.map(({ attempts }) => {
        const attempt: Attempt = {
          node,
          connection,
          startedAt: timeNow(),
          endedAt: undefined,
          reply: undefined,
        };
        attempts.push(attempt);
        return attempt;
      });
      client.send(some.map(({ wish }) => lineOf(wish)).join(''));
      for (const [index, attempt] of attempts.entries()) {
        const line = await client.line(REPLY_MS_MAX);
        attempt.endedAt = timeNow();
        attempt.reply = replyIn(line, some[index]!.wish);
        if (attempt.reply === undefined) throw new Error(`a wrong reply of node ${node}: ${line}`);
      }
    }
  } finally {
    client.close();
  }
}

function balancesIn(deeds: readonly Deed[], kind: Wish['kind']): Balances {
  const some = deeds.filter(({ wish }) => wish.kind === kind);
  return new Map(some.map(({ wish, attempts }) => [wish.user, attempts[0]!.reply!.balance!]));
}

async function stateOf(port: number): Promise<NodeState> {
  const client = await Client.open(port);
  try {
    const { in_transit, users, ids, cluster } = JSON.parse(
      await client.ask('{"type":"metrics","detail":true}\n', REPLY_MS_MAX),
    ) as NodeState & { cluster: { sequences: number[] } };
    return { in_transit, users, ids, sequences: cluster.sequences };
  } finally {
    client.close();
  }
}
