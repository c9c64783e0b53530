/**
 * A worker that dies before any of its operations or plain writes while it decides events with ids, a minimum, and a
 * transfer between two of its users; and its successor, which may die too. Each is applied once, each id is remembered
 * with what came of it, and each is answered so.
 */
import { OVERFLOWED, refusal } from '../../../src/engine/deciding.ts';
import { ExtraKind } from '../../../src/engine/extra.ts';
import { Ids } from '../../../src/engine/ids.ts';
import { Lane } from '../../../src/engine/lane.ts';
import { balancesOf, createMemory, laneOf, type Shape } from '../../../src/engine/memory-layout.ts';
import { Position } from '../../../src/engine/position.ts';
import { Count, ID_WORDS, Word } from '../../../src/engine/words.ts';
import { runWorker } from '../../../src/engine/worker.ts';
import { Outcome } from '../../../src/protocol/outcome.ts';
import { Wants } from '../../../src/protocol/request.ts';
import { fine, type Scenario, wrong } from '../scenario.ts';
import { endOf, livesOf } from './lives.ts';
import { exploredOf, type Memory } from './server.ts';

const SHAPE: Shape = {
  ...{ workers: 1, ringSlots: 4, balanceSlots: 2, workUs: 0, workKind: 'cpu' },
  ...{ idSlots: 4, idsMax: 2, idsMs: 1 },
};

/** An event of user 0, with an id or none; `isTransfer`: to user 1. */
interface Deed {
  amount: number;
  id?: number;
  min?: number;
  isTransfer?: boolean;
}

interface Course {
  name: string;
  about: string;
  deaths: number;
  firstSequence: number;
  deeds: Deed[];
  /** What must come of them. */
  answers: number[];
  balances: [number, number];
  counts: Partial<Record<keyof typeof Count, number>>;
  /** What user 1 has before; 0 by default. */
  otherBefore?: number;
  /** The ids that are remembered, and the answer of each. */
  ids: [id: number, answer: number][];
}

const hashOf = (id: number) => Int32Array.of(id, 7, 8, 9);

function eventOf({ amount, id, min }: Deed) {
  const wants = Wants.wait | (id === undefined ? 0 : Wants.id) | (min === undefined ? 0 : Wants.min);
  return { amount, wants, min: min ?? 0, id: hashOf(id ?? 0) };
}

/** All events are there when the worker starts. */
function create({ firstSequence, deeds, otherBefore = 0 }: Course): Memory {
  const buffer = createMemory(SHAPE, firstSequence);
  balancesOf(buffer, SHAPE)[1] = otherBefore;
  const memory = laneOf(buffer, SHAPE, 0);
  const lane = new Lane(memory);
  for (const deed of deeds) {
    const kind = deed.isTransfer === true ? ExtraKind.transfer : ExtraKind.event;
    lane.tryAskRich(new Position(0), 0, eventOf(deed), kind, deed.isTransfer === true ? 1 : 0);
  }
  lane.publish();
  Atomics.store(memory.words, Word.stop, 1);
  return { buffer, messages: new Int32Array(new SharedArrayBuffer(8)) };
}

function work({ buffer, messages }: Memory): void {
  // Time is no part of what is explored.
  Date.now = () => 1;
  runWorker({ buffer, worker: 0 }, message => {
    if (message === 'progress') Atomics.add(messages, 0, 1);
  });
}

/** What is wrong with the ids that are remembered. */
function idsAmiss({ buffer }: Memory, wanted: Course['ids']): string | undefined {
  const { words, ids: memory, extras } = laneOf(buffer, SHAPE, 0);
  const [head, tail] = [Atomics.load(words, Word.idsHead), Atomics.load(words, Word.idsTail)];
  const ids = new Ids(memory, 2, 1, head, tail);
  if (ids.count !== wanted.length) return `${ids.count} ids are remembered, not ${wanted.length}`;
  for (const [id, answer] of wanted) {
    extras.words.set(hashOf(id));
    if (!ids.find(0, extras, 0)) return `id ${id} is forgotten`;
    if (ids.answer !== answer) return `the answer of id ${id} is ${ids.answer}, not ${answer}`;
  }
  for (let position = head; position !== tail; position++) {
    const before = memory.words[(position & 3) * ID_WORDS + 7]!;
    if (before >= position) return `behind id ${position} comes ${before}, which is no older one`;
  }
  return undefined;
}

function idsDeath(course: Course): Scenario<Memory> {
  const { name, about, deaths, deeds, answers, balances, counts } = course;
  const workers = livesOf(deaths, () => work);
  return {
    name,
    group: 'ids',
    about,
    budget: { timeOuts: 0, wakesForNothing: 0, deaths },
    create: () => create(course),
    explored: exploredOf,
    words: ({ buffer }) => {
      const lane = laneOf(buffer, SHAPE, 0);
      return [
        ...Object.entries(Word).map(([word, index]) => ({ name: word, view: lane.words, index })),
        ...Object.entries(Count).map(([count, index]) => ({ name: count, view: lane.counts, index })),
        ...[0, 1].map(user => ({ name: `balance ${user}`, view: balancesOf(buffer, SHAPE), index: user })),
      ];
    },
    shown: ['tail', 'head', 'begun', 'balance 0', 'balance 1', 'idsTail', 'duplicate'],
    threads: workers,
    verdict(memory, endings) {
      const lane = laneOf(memory.buffer, SHAPE, 0);
      const { last, deaths } = endOf(endings);
      if (last !== 'finished') return wrong(`the last worker is ${last}`);
      if (lane.words[Word.head] !== lane.words[Word.tail]) return wrong('events were left in the ring');
      const answered = [...lane.answers.subarray(0, deeds.length)];
      if (answered.join() !== answers.join()) return wrong(`the answers are ${answered}, not ${answers}`);
      const is = [...balancesOf(memory.buffer, SHAPE)];
      if (is.join() !== balances.join()) return wrong(`the balances are ${is}, not ${balances}`);
      for (const [count, word] of Object.entries(Count)) {
        const [counted, wanted] = [Number(lane.counts[word]), counts[count as keyof typeof Count] ?? 0];
        if (counted !== wanted) return wrong(`${count} is counted ${counted} times, not ${wanted}`);
      }
      const amiss = idsAmiss(memory, course.ids);
      if (amiss !== undefined) return wrong(amiss);
      return fine(`${deaths}: each is decided once, and remembered so`);
    },
  };
}

const INSUFFICIENT = refusal(Outcome.insufficientBalance);
const REUSED = refusal(Outcome.idReused);
const BUSY = refusal(Outcome.serverBusy);
const MAX = Number.MAX_SAFE_INTEGER;

export const scenarios = [
  idsDeath({
    name: 'ids',
    about: 'a worker dies within a run of an event, its repeat, and another, across 2^32',
    deaths: 1,
    firstSequence: 2 ** 32 - 1,
    deeds: [
      { amount: 5, id: 1 },
      { amount: 5, id: 1 },
      // In the same place of the index as the first.
      { amount: -2, id: 5 },
    ],
    answers: [5, 5, 3],
    balances: [3, 0],
    counts: { processed: 2, duplicate: 1 },
    ids: [
      [1, 5],
      [5, 3],
    ],
  }),
  idsDeath({
    name: 'ids-refused',
    about: 'a worker dies within a run of which each is refused for another reason',
    deaths: 1,
    firstSequence: 0,
    deeds: [
      { amount: -1, id: 1, min: 0 },
      { amount: MAX, id: 1 },
      { amount: -MAX, id: 2 },
      { amount: 1, id: 3 },
    ],
    answers: [INSUFFICIENT, REUSED, -MAX, BUSY],
    balances: [-MAX, 0],
    counts: { processed: 1, insufficient: 1, reused: 1, idsFull: 1 },
    ids: [
      [1, INSUFFICIENT],
      [2, -MAX],
    ],
  }),
  idsDeath({
    name: 'ids-transfer',
    about: 'a worker dies within a run of a transfer between its users, its repeat, and one that is refused',
    deaths: 1,
    firstSequence: 2 ** 31 - 1,
    deeds: [
      { amount: -4, id: 1, isTransfer: true },
      { amount: -4, id: 1, isTransfer: true },
      { amount: -MAX, isTransfer: true },
    ],
    otherBefore: 10,
    answers: [-4, -4, OVERFLOWED],
    balances: [-4, 14],
    counts: { processed: 1, duplicate: 1, overflowed: 1 },
    ids: [[1, -4]],
  }),
  idsDeath({
    name: 'ids-twice',
    about: 'a worker dies, and its successor too, while it decides, takes back or remembers',
    deaths: 2,
    firstSequence: 0,
    deeds: [
      { amount: -4, id: 1, isTransfer: true },
      { amount: 1, id: 5 },
    ],
    answers: [-4, -3],
    balances: [-3, 4],
    counts: { processed: 2 },
    ids: [
      [1, -4],
      [5, -3],
    ],
  }),
] as const;
