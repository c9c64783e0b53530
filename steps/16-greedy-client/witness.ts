/**
 * Pain 16, a client gets more than its limit: how many events does the greediest client get accepted?
 *
 * There are four instances; the clock of the last is ahead. The client sends as fast as it can, three times, for a part of
 * a window: around the moment in which a server with fixed windows begins anew, to one instance; to three instances at
 * the same time; and to and fro between two instances whose clocks differ, to the other as soon as one refuses.
 *
 * Meanwhile another client never stops asking: who refuses it has accepted about as many of its events within the last
 * window as the limit allows. Who has not, refuses what it should accept.
 *
 * A limit of so many in a window allows so many at once, and then what comes in: a token bucket gives just that, and a
 * sliding window less. Time is measured from before the first line to the last reply, so that a slow machine is never
 * taken for a generous server.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { count } from '../../src/cli/terminal/numbers.ts';
import { Client, TooLate } from '../../src/tools/harness/client.ts';
import type { Server } from '../../src/tools/harness/server.ts';
import type { Source } from '../kit/server.ts';
import { isTaken, Scene, shown } from '../kit/witnesses/scene.ts';
import { Undecided, WITNESS_MS_MAX } from '../kit/witnesses/witness.ts';
import type { LessonWitness } from '../lesson-kit/lesson.ts';
import type { Place } from '../lesson-kit/place.ts';

export const LIMIT = 50;
export const WINDOW_MS = 1_500;
const INSTANCES = 4;
/** By windows, so that it counts in another one, which ends at the same moment. */
const AHEAD_MS = 2 * WINDOW_MS;
const CONNECTIONS = 8;
/** Lines that a connection has under way. */
const UNDER_WAY = 5;
const ATTACK_MS = WINDOW_MS / 4;
/** Over what is allowed: who keeps the limit only on average may be off by some. */
const TOLERATED = 1.4;
/** Enough to see that there is no limit. */
const ACCEPTED_MAX = 20 * LIMIT;
const PAUSE_MS = 5;
/** Less than a token comes in meanwhile. */
const ASK_ON_MS = WINDOW_MS / LIMIT / 2;
/** Instances that share a limit may hold back some of it. */
const LEAST = LIMIT / 2;
const ANSWER_MS_MAX = 20_000;
const AGAIN_MS_MAX = 10 * WINDOW_MS;
const EDGES_MAX = 5;
const COST_MS = 400;
const COST_USERS = 16;
const WITHOUT_REDIS_MS = 500;

/** When an attack had got the most, by what was allowed until then. */
export interface Taken {
  accepted: number;
  elapsedMs: number;
  allowed: number;
  /** When each of all was accepted. */
  atMs: number[];
}

export const overTheLimit: LessonWitness = {
  mustStart: true,
  run: (source, say, place) =>
    withInstances(source, async scenes => {
      say(
        `${LIMIT} events in ${WINDOW_MS} ms are allowed; ${INSTANCES} instances, the clock of one is ahead`,
      );
      const clients = await Promise.all(scenes.map(scene => scene.openAll(CONNECTIONS)));
      const [first, second, third, ahead] = clients as [Client[], Client[], Client[], Client[]];
      const tell = (text: string, { accepted, elapsedMs }: Taken) =>
        say(`${text}: ${count(accepted)} are accepted within ${Math.round(elapsedMs)} ms`);

      const patient = await Promise.all(scenes.map(scene => scene.open()));
      const attacks = async () => {
        const edge = await aroundEdge(first);
        tell('around the edge of a window, at one instance', edge.taken);
        await sleepUntil(edge.edgeMs + ATTACK_MS / 2);
        const instances = await attack([[...first, ...second, ...third]], 'instances', 2 * ATTACK_MS);
        tell('at three instances at the same time', instances);
        const clocks = await attack([first, ahead], 'clocks');
        tell('to and fro between two instances whose clocks differ', clocks);
        return [edge.taken, instances, clocks] as const;
      };
      let isOver = false;
      const attacking = attacks().finally(() => {
        isOver = true;
      });
      const [all, tooFew] = await Promise.all([attacking, askOn(patient, () => isOver)]);
      const [edge, instances, clocks] = all;

      const cost = await costOf(first, place);
      const isServingWithoutRedis = await isAnswering(scenes[0]!, place);
      const worst = all.reduce(worse);
      const isPresent = worst.accepted > TOLERATED * worst.allowed;
      if (!isPresent && tooFew !== undefined)
        throw new Undecided(
          `it refuses a user of whom it has accepted ${tooFew} events within ${WINDOW_MS} ms, when ${LIMIT} are allowed: does nothing come in while somebody asks?`,
        );
      return {
        isPresent,
        evidence: {
          edgeAccepted: edge.accepted,
          edgeAllowed: edge.allowed,
          instancesAccepted: instances.accepted,
          instancesAllowed: instances.allowed,
          clocksAccepted: clocks.accepted,
          clocksAllowed: clocks.allowed,
          mostAccepted: worst.accepted,
          mostAllowed: worst.allowed,
          ...cost,
          isServingWithoutRedis,
        },
        sentence: isPresent
          ? `Of a limit of ${LIMIT}, a client got ${count(worst.accepted)} events accepted within ${Math.round(worst.elapsedMs)} ms.`
          : `Of a limit of ${LIMIT}, a client got ${count(worst.accepted)} events accepted within ${Math.round(worst.elapsedMs)} ms, when ${count(worst.allowed)} were allowed.`,
      };
    }),
};

/** Starts them at the same time, and stops them in any case. */
export async function withInstances<T>(source: Source, use: (scenes: Scene[]) => Promise<T>): Promise<T> {
  const started = await Promise.allSettled(
    Array.from({ length: INSTANCES }, (_, index) =>
      source.start({
        own: {
          limit: LIMIT,
          'window-ms': WINDOW_MS,
          'clock-ahead-ms': index === INSTANCES - 1 ? AHEAD_MS : 0,
        },
      }),
    ),
  );
  const servers = started.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  const scenes = servers.map((server: Server) => new Scene(server));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    for (const scene of scenes) scene.close();
  }, WITNESS_MS_MAX);
  try {
    const failed = started.find(result => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return await use(scenes);
  } catch (error) {
    throw isLate ? new Undecided(`${WITNESS_MS_MAX / 1_000} s were not enough for it`) : error;
  } finally {
    clearTimeout(timer);
    for (const scene of scenes) scene.close();
    await Promise.all(servers.map(server => server.stop()));
  }
}

/**
 * Sends as one user, on all connections of a group at the same time, each until it is refused; then on those of the next
 * group; until the time is over, and each has been refused once.
 */
export async function attack(
  groups: readonly Client[][],
  user: string,
  attackMs = ATTACK_MS,
): Promise<Taken> {
  const startMs = performance.now();
  const elapsed = () => performance.now() - startMs;
  const atMs: number[] = [];
  for (let turn = 1; turn === 1 || elapsed() < attackMs; turn += 1) {
    const sendUntilRefused = async (client: Client) => {
      while (turn === 1 ? atMs.length < ACCEPTED_MAX : elapsed() < attackMs) {
        client.send(lineOf(user).repeat(UNDER_WAY));
        let refused = 0;
        for (let line = 1; line <= UNDER_WAY; line += 1)
          if (isAcceptance(await client.line(ANSWER_MS_MAX))) atMs.push(elapsed());
          else refused += 1;
        if (refused > 0) return;
      }
    };
    for (const group of groups) await Promise.all(group.map(sendUntilRefused));
    await sleep(PAUSE_MS);
  }
  return takenIn(atMs);
}

export function takenIn(atMs: number[]): Taken {
  const taken = atMs.map((elapsedMs, index) => ({
    accepted: index + 1,
    elapsedMs,
    allowed: Math.ceil(LIMIT * (1 + elapsedMs / WINDOW_MS)),
    atMs,
  }));
  return taken.reduce(worse, { accepted: 0, elapsedMs: 0, allowed: LIMIT, atMs });
}

function worse(a: Taken, b: Taken): Taken {
  return b.accepted / b.allowed > a.accepted / a.allowed ? b : a;
}

/** Around the moment at which one window ends and the next begins; and when that was. */
export async function aroundEdge(
  clients: Client[],
  beforeMs = ATTACK_MS / 2,
  attackMs = ATTACK_MS,
): Promise<{ taken: Taken; edgeMs: number }> {
  const [client] = clients as [Client];
  let edgeMs = await edgeOf(client);
  for (let edges = 1; ; edges += 1) {
    // Where a window begins with the first event of a user, it begins here.
    await isAccepted(client, `edge-${edges}`);
    edgeMs += WINDOW_MS;
    await sleepUntil(edgeMs - beforeMs);
    const lateMs = performance.now() - (edgeMs - beforeMs);
    if (lateMs < beforeMs / 2 || edges === EDGES_MAX)
      return { taken: await attack([clients], `edge-${edges}`, attackMs), edgeMs };
    await sleepUntil(edgeMs);
  }
}

/**
 * As one user, at one instance after the other: until it is refused once, then again and again. If it is refused too
 * early, says how many were accepted in the last window. What was answered in the window before the question counts: on a
 * slow machine that is more, not less.
 */
async function askOn(clients: readonly Client[], isOver: () => boolean): Promise<number | undefined> {
  let acceptedAtMs: number[] = [];
  let hasBeenRefused = false;
  for (let turn = 0; !isOver() && acceptedAtMs.length < ACCEPTED_MAX; turn += 1) {
    const askedMs = performance.now();
    const isTakenNow = await isAccepted(clients[turn % clients.length]!, 'patient');
    acceptedAtMs = acceptedAtMs.filter(ms => ms >= askedMs - WINDOW_MS);
    if (isTakenNow) acceptedAtMs.push(performance.now());
    else if (acceptedAtMs.length < LEAST) return acceptedAtMs.length;
    hasBeenRefused ||= !isTakenNow;
    if (hasBeenRefused) await sleep(ASK_ON_MS);
  }
  return undefined;
}

/** When a client that was refused is accepted again. */
async function edgeOf(client: Client): Promise<number> {
  const untilMs = performance.now() + AGAIN_MS_MAX;
  for (let sent = 1; await isAccepted(client, 'scout'); sent += 1)
    if (sent >= ACCEPTED_MAX) return performance.now();
  while (performance.now() < untilMs) {
    await sleep(PAUSE_MS);
    if (await isAccepted(client, 'scout')) return performance.now();
  }
  throw new Undecided(`it accepts nothing more of a user in ${AGAIN_MS_MAX / 1_000} s, once it has refused`);
}

async function isAccepted(client: Client, user: string): Promise<boolean> {
  return isAcceptance(await client.ask(lineOf(user), ANSWER_MS_MAX));
}

function lineOf(user: string): string {
  return `{"user":"greedy-${user}","action":"buy","amount":1}\n`;
}

function isAcceptance(reply: string): boolean {
  if (isTaken(reply)) return true;
  if (reply.includes('"rate_limited"')) return false;
  throw new Undecided(`it answers an event with ${shown(reply)}`);
}

/** What exactness costs: events of other users, most of them over their limits, one after the other on each connection. */
async function costOf(clients: Client[], place: Place) {
  const commandsBefore = await redisCommands(place);
  const startMs = performance.now();
  let answers = 0;
  const ask = async (client: Client, index: number) => {
    for (; performance.now() < startMs + COST_MS; answers += 1)
      await isAccepted(client, `cost-${(answers % (COST_USERS / CONNECTIONS)) * CONNECTIONS + index}`);
  };
  await Promise.all(clients.map(ask));
  const answersPerS = Math.round((1_000 * answers) / (performance.now() - startMs));
  const commands = (await redisCommands(place)) - commandsBefore;
  return { answersPerS, redisCommandsPerAnswer: Math.round((10 * commands) / answers) / 10 };
}

/** How many Redis has done, those of its scripts among them. */
async function redisCommands(place: Place): Promise<number> {
  const { hostname, port } = new URL(place.engine('redis').url);
  const client = await Client.open(Number(port), hostname);
  try {
    client.send('INFO stats\r\n');
    for (;;) {
      const [, commands] = /^total_commands_processed:(\d+)/.exec(await client.line()) ?? [];
      if (commands !== undefined) return Number(commands);
    }
  } finally {
    client.close();
  }
}

/** Whether an event of a user that it knows is answered while Redis stands still. */
async function isAnswering(scene: Scene, place: Place): Promise<boolean> {
  const client = await scene.open();
  await isAccepted(client, 'known');
  const redis = place.engine('redis');
  redis.signal('SIGSTOP');
  try {
    await client.ask(lineOf('known'), WITHOUT_REDIS_MS);
    return true;
  } catch (error) {
    if (error instanceof TooLate) return false;
    throw error;
  } finally {
    redis.signal('SIGCONT');
  }
}

async function sleepUntil(ms: number): Promise<void> {
  await sleep(Math.max(0, ms - performance.now()));
}
