/**
 * A transfer between users of two workers, of which one may die before any of its operations or plain writes: while it
 * decides its half, takes that back, or has nothing to do. The socket thread sends it, hands in what is owed, and calls the
 * worker that does not die. The amount is taken once and given once, or goes back; nobody gets what was not paid; and each
 * reply, and the id, says what came of the transfer, whoever dies.
 */
import { OVERFLOWED } from '../../../src/engine/deciding.ts';
import { Ids } from '../../../src/engine/ids.ts';
import { Lane } from '../../../src/engine/lane.ts';
import { balancesOf, createMemory, laneOf, type Shape } from '../../../src/engine/memory-layout.ts';
import type { Position } from '../../../src/engine/position.ts';
import { Transfers } from '../../../src/engine/transfers.ts';
import { UserTable } from '../../../src/engine/user-table.ts';
import { Count, Word } from '../../../src/engine/words.ts';
import { runWorker } from '../../../src/engine/worker.ts';
import { emptyRequest, Wants } from '../../../src/protocol/request.ts';
import { fine, type Scenario, type ScenarioThread, wrong } from '../scenario.ts';
import { endOf, livesOf } from './lives.ts';

const SHAPE: Shape = {
  ...{ workers: 2, ringSlots: 4, balanceSlots: 16, workUs: 0, workKind: 'cpu' },
  ...{ idSlots: 2, idsMax: 2, idsMs: 1 },
};
const WORKERS = ['giver', 'getter'];
/** The balances of who gives and of who gets: each is the first user of its worker. */
const USERS = [0, 8];
const AMOUNT = 5;
const ID = Int32Array.of(1, 7, 8, 9);
const LOOK_MS = 1;

interface Memory {
  buffer: SharedArrayBuffer;
  /** See `Mail`. */
  mail: Int32Array<SharedArrayBuffer>;
}

/** What event loops and parking are in the server: words on which one thread waits. */
const Mail = {
  /** Messages of the worker that may die. */
  sent: 0,
  /** Never notified. */
  rest: 1,
} as const;

interface Course {
  name: string;
  about: string;
  /** Which of the workers may, and how many slots are put into its ring. */
  mortal: 0 | 1;
  slots: number;
  /** How often the same transfer is sent. */
  times: number;
  /** What who gets has before. */
  before: number;
  /** What each reply says, and the id later on; and both balances in the end. */
  answer: number;
  balances: [number, number];
  counts: Partial<Record<keyof typeof Count, number>>;
}

function create({ before }: Course): Memory {
  const buffer = createMemory(SHAPE, 0);
  balancesOf(buffer, SHAPE)[USERS[1]!] = before;
  // Workers leave an empty ring, and are called again: how they rest is no part of this.
  for (const worker of WORKERS.keys()) Atomics.store(laneOf(buffer, SHAPE, worker).words, Word.stop, 1);
  return { buffer, mail: new Int32Array(new SharedArrayBuffer(8)) };
}

/** The socket thread: sends the transfers and takes messages until all is over. */
function serve({ times, answer, mortal }: Course, { buffer, mail }: Memory): void {
  // Time is no part of what is explored.
  Date.now = () => 1;
  const lanes = WORKERS.map((_, worker) => new Lane(laneOf(buffer, SHAPE, worker)));
  const transfers = new Transfers(1);
  const names = new DataView(new ArrayBuffer(32));
  names.setUint8(16, 1);
  const users = new UserTable(names, 2, 2);
  const request = { ...emptyRequest(), nameBytes: 1, amount: -AMOUNT, wants: Wants.id, id: ID };
  Object.assign(request.to, { nameAt: 16, nameBytes: 1, hash: 1 << 24 });
  const positions = Array.from(
    { length: times },
    () => transfers.submit(request, lanes[0]!, lanes[1]!, users, names) as Position,
  );
  lanes[0]!.publish();
  const isOver = () => positions.every(({ isReached }) => isReached) && transfers.owed === 0;
  let called = 0;
  let taken = 0;
  while (!isOver()) {
    const other = lanes[1 - mortal]!;
    if (other.ring.tail !== called) {
      called = other.ring.tail;
      // A stop, so that the invariant is looked at before what was handed in is done.
      Atomics.load(mail, Mail.sent);
      runWorker({ buffer, worker: 1 - mortal }, () => {});
      other.progressed();
    } else {
      Atomics.wait(mail, Mail.sent, taken);
      taken = Atomics.load(mail, Mail.sent);
      lanes[mortal]!.progressed();
    }
  }
  for (const { balance } of positions)
    if (balance !== answer) throw new Error(`was told ${balance}, not ${answer}`);
  if (transfers.inTransit !== 0) throw new Error(`${transfers.inTransit} is in transit for ever`);
}

/**
 * The worker that may die. It looks into its ring whenever nobody else has anything to do, until it has done all. What it
 * has to say arrives when it has left: how messages and looks meet is explored in `parking`. Its successor looks at once,
 * and says that it is there.
 */
function workOf({ mortal, slots }: Course, life: number): ScenarioThread<Memory>['run'] {
  return ({ buffer, mail }) => {
    Date.now = () => 1;
    const { words } = laneOf(buffer, SHAPE, mortal);
    for (let isSuccessor = life > 0; ; isSuccessor = false) {
      if (!isSuccessor) Atomics.wait(mail, Mail.rest, 0, LOOK_MS);
      let isSaying = false;
      runWorker({ buffer, worker: mortal }, message => {
        isSaying ||= message === 'progress' || life > 0;
      });
      const isDone = Atomics.load(words, Word.head) === slots;
      if (isSaying) {
        Atomics.add(mail, Mail.sent, 1);
        Atomics.notify(mail, Mail.sent);
      }
      if (isDone) return;
    }
  };
}

/** What a repeat would be answered. */
function rememberedOf({ buffer }: Memory): number | undefined {
  const { words, ids: memory, extras } = laneOf(buffer, SHAPE, 0);
  const [head, tail] = [Atomics.load(words, Word.idsHead), Atomics.load(words, Word.idsTail)];
  const ids = new Ids(memory, SHAPE.idsMax!, SHAPE.idsMs!, head, tail);
  extras.words.set(ID);
  return ids.find(USERS[0]!, extras, 0) ? ids.answer : undefined;
}

function transferDeath(course: Course): Scenario<Memory> {
  const { name, about, mortal, answer, balances, counts } = course;
  const namedWords = (buffer: SharedArrayBuffer, worker: number) => {
    const lane = laneOf(buffer, SHAPE, worker);
    const named = (words: Record<string, number>, view: Int32Array | BigInt64Array) =>
      Object.entries(words).map(([word, index]) => ({ name: `${word} ${worker}`, view, index }));
    return [...named(Word, lane.words), ...named(Count, lane.counts)];
  };
  return {
    name,
    group: 'transfer',
    about,
    budget: { timeOuts: 0, wakesForNothing: 0, deaths: 1 },
    create: () => create(course),
    explored: ({ buffer, mail }) => [buffer, mail.buffer],
    words: ({ buffer }) => [
      ...WORKERS.flatMap((_, worker) => namedWords(buffer, worker)),
      ...USERS.map((index, user) => ({ name: `balance ${user}`, view: balancesOf(buffer, SHAPE), index })),
    ],
    shown: ['tail 0', 'head 0', 'balance 0', 'tail 1', 'head 1', 'balance 1'],
    threads: [
      { name: 'socket thread', run: memory => serve(course, memory) },
      ...livesOf<Memory>(1, life => workOf(course, life), 1, [WORKERS[mortal]!, 'successor']),
    ],
    invariant({ buffer }) {
      const hasPaid = laneOf(buffer, SHAPE, 0).words[Word.head]! > 0;
      const isGiven = laneOf(buffer, SHAPE, 1).words[Word.tail]! > 0;
      return isGiven && !hasPaid ? 'what was not paid is given' : undefined;
    },
    verdict(memory, [socket, ...endings]) {
      const { buffer } = memory;
      if (socket !== 'finished') return wrong(`the socket thread waits for ever (${socket})`);
      const { last, deaths } = endOf(endings);
      if (last !== 'finished') return wrong(`the last worker is ${last}`);
      const is = USERS.map(user => balancesOf(buffer, SHAPE)[user]);
      if (is.join() !== balances.join()) return wrong(`the balances are ${is}, not ${balances}`);
      const lanes = WORKERS.map((_, worker) => laneOf(buffer, SHAPE, worker));
      for (const [count, word] of Object.entries(Count)) {
        const counted = lanes.reduce((sum, lane) => sum + Number(lane.counts[word]), 0);
        const wanted = counts[count as keyof typeof Count] ?? 0;
        if (counted !== wanted) return wrong(`${count} is counted ${counted} times, not ${wanted}`);
      }
      const remembered = rememberedOf(memory);
      if (remembered !== answer) return wrong(`the id is remembered with ${remembered}, not ${answer}`);
      return fine(`${deaths}: it is done as a whole, or not at all`);
    },
  };
}

const MOVED = {
  ...{ times: 1, before: 0, answer: -AMOUNT },
  balances: [-AMOUNT, AMOUNT] as [number, number],
  counts: { processed: 1 },
};
const WENT_BACK = {
  ...{ times: 1, before: Number.MAX_SAFE_INTEGER, answer: OVERFLOWED },
  balances: [0, Number.MAX_SAFE_INTEGER] as [number, number],
  counts: { overflowed: 1 },
};

export const scenarios = [
  transferDeath({
    ...MOVED,
    name: 'transfer',
    about: 'a transfer between two workers, of which the one that takes dies',
    mortal: 0,
    slots: 1,
  }),
  transferDeath({
    ...MOVED,
    name: 'transfer-gives',
    about: 'a transfer between two workers, of which the one that gives dies',
    mortal: 1,
    slots: 1,
  }),
  transferDeath({
    ...MOVED,
    name: 'transfer-again',
    about: 'a transfer between two workers, and its repeat; the one that takes dies',
    mortal: 0,
    slots: 2,
    times: 2,
    counts: { processed: 1, duplicate: 1 },
  }),
  transferDeath({
    ...WENT_BACK,
    name: 'transfer-back',
    about:
      'a transfer that the second worker refuses, and that goes back, and its repeat; the one that takes dies',
    mortal: 0,
    slots: 3,
    times: 2,
    counts: { overflowed: 1, duplicate: 1 },
  }),
  transferDeath({
    ...WENT_BACK,
    name: 'transfer-refused',
    about: 'a transfer that the second worker refuses, where it dies, and that goes back',
    mortal: 1,
    slots: 1,
  }),
] as const;
