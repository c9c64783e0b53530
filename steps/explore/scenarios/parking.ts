/**
 * The socket thread's end of a worker and the worker itself, whole: ring, naps, parking, bell, messages. What must not be
 * is a worker that sleeps beside work, or somebody who waits for an answer that does not come.
 */
import type { Lane } from '../../../src/engine/lane.ts';
import { Word } from '../../../src/engine/words.ts';
import type { Gate } from '../gate.ts';
import { type Budget, fine, NOTHING, type Scenario, wrong } from '../scenario.ts';
import {
  createServer,
  exploredOf,
  laneOfServer,
  type Memory,
  parkedBesideWork,
  stateOf,
  takeMessage,
  takeTurns,
  until,
  untilNapped,
  wordsOf,
  work,
} from './server.ts';

interface Course {
  name: string;
  about: string;
  budget?: Budget;
  firstSequence?: number;
  /** Amounts that are in the ring before anybody starts. */
  before?: number[];
  /** The socket thread's part, from a lane to its end. Returns how many events it had accepted. */
  serve(lane: Lane, memory: Memory, gate: Gate): void;
  /** What the balance of user 0 must be. */
  balance: number;
  /** Whether the worker was told to leave, and must have. */
  stops: boolean;
}

function push(lane: Lane, amount: number): void {
  if (!lane.tryPush(0, amount)) throw new Error('the ring was full');
  lane.publish();
}

/** To a worker that is about to park, or has just done so. */
function pushToParked(lane: Lane, memory: Memory, gate: Gate): void {
  untilNapped(2, memory, gate);
  push(lane, 1);
}

function parking({
  name,
  about,
  budget = NOTHING,
  firstSequence = 0,
  before = [],
  serve,
  balance,
  stops,
}: Course): Scenario<Memory> {
  return {
    name,
    group: 'parking',
    about,
    budget,
    create: () => createServer(firstSequence, before),
    explored: exploredOf,
    words: wordsOf,
    shown: ['tail', 'head', 'rest', 'bell', 'lateWakes'],
    threads: [
      { name: 'socket thread', run: (memory, gate) => serve(laneOfServer(memory), memory, gate) },
      { name: 'worker', run: work },
    ],
    idle: parkedBesideWork,
    verdict(memory, [socket, worker]) {
      const state = stateOf(memory);
      if (socket !== 'finished') return wrong(`the socket thread waits for ever (${socket})`);
      if (stops && worker !== 'finished') return wrong('the worker was told to leave and did not');
      if (!state.isEmpty) return wrong('the worker sleeps beside work');
      if (state.lateWakes > 0) return wrong('the worker found work that nobody had told it of');
      if (state.balances[0] !== balance) return wrong(`the balance is ${state.balances[0]}, not ${balance}`);
      return fine(
        stops ? 'all is applied, and the worker has left' : 'all is applied, and the worker is parked',
      );
    },
  };
}

export const scenarios = [
  parking({
    name: 'parking',
    about: 'an event for a worker that is about to park',
    serve: pushToParked,
    balance: 1,
    stops: false,
  }),
  parking({
    name: 'parking-awake',
    about: 'an event for a worker that may be anywhere, and naps',
    serve: lane => push(lane, 1),
    balance: 1,
    stops: false,
  }),
  parking({
    name: 'parking-2',
    about: 'two events, the second across 2^31, for a worker that is about to park each time',
    firstSequence: 2 ** 31 - 1,
    serve(lane, memory, gate) {
      untilNapped(2, memory, gate);
      push(lane, 1);
      untilNapped(4, memory, gate);
      push(lane, 10);
    },
    balance: 11,
    stops: false,
  }),
  parking({
    name: 'parking-time-out',
    about: 'an event for a worker whose parking runs out, or ends for nothing, at any moment',
    budget: { timeOuts: 1, wakesForNothing: 1, deaths: 0 },
    serve: pushToParked,
    balance: 1,
    stops: false,
  }),
  parking({
    name: 'parking-stop',
    about: 'an event, and the word to leave, for a worker that may be anywhere',
    serve(lane) {
      push(lane, 1);
      lane.command(Word.stop, 1);
    },
    balance: 1,
    stops: true,
  }),
  parking({
    name: 'parking-stop-parked',
    about: 'the word to leave for a worker that is about to park',
    serve(lane, memory, gate) {
      untilNapped(2, memory, gate);
      lane.command(Word.stop, 1);
    },
    balance: 0,
    stops: true,
  }),
  parking({
    name: 'parking-ask',
    about: 'a question to a worker that may be anywhere, and the message that it is answered',
    serve(lane, memory, gate) {
      const position = lane.tryAsk(0, 5);
      if (position === undefined) throw new Error('the ring was full');
      lane.publish();
      takeTurns(lane, memory, () => position.isReached, gate);
      if (position.balance !== 5) throw new Error(`was told ${position.balance}`);
    },
    balance: 5,
    stops: false,
  }),
  parking({
    name: 'parking-ask-2',
    about: 'two questions, one behind the other, and their messages',
    serve(lane, memory, gate) {
      const positions = [1, 10].map(amount => {
        const position = lane.tryAsk(0, amount);
        if (position === undefined) throw new Error('the ring was full');
        lane.publish();
        return position;
      });
      takeTurns(lane, memory, () => positions.every(({ isReached }) => isReached), gate);
      const answers = positions.map(({ balance }) => balance);
      if (answers.join() !== '1,11') throw new Error(`was told ${answers}`);
    },
    balance: 11,
    stops: false,
  }),
  parking({
    name: 'parking-room',
    about: 'a full ring, and the message that there is room again',
    // A worker's first run tells of progress without being asked, so that must be over.
    before: [1],
    serve(lane, memory, gate) {
      until(Word.messages, 1, memory, gate);
      takeMessage(lane, memory.messages, gate);
      lane.tryPush(0, 10);
      lane.tryPush(0, 100);
      lane.publish();
      let isIn = false;
      const tryAgain = () => {
        isIn = lane.tryPush(0, 1_000);
        if (!isIn) lane.whenRoom(tryAgain);
      };
      tryAgain();
      takeTurns(lane, memory, () => isIn, gate);
      lane.publish();
    },
    balance: 1_111,
    stops: false,
  }),
] as const;
