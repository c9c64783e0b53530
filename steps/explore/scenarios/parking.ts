/**
 * The socket thread's end of a worker and the worker itself, whole: ring, naps, parking, bell, messages. What must not be
 * is a worker that sleeps beside work, or somebody who waits for an answer that does not come.
 */
import type { Lane } from '../../../src/engine/lane.ts';
import type { Gate } from '../gate.ts';
import { type Budget, fine, NOTHING, type Scenario, wrong } from '../scenario.ts';
import {
  createServer,
  exploredOf,
  laneOfServer,
  type Memory,
  stateOf,
  takeMessages,
  wordsOf,
  work,
} from './server.ts';

interface Course {
  name: string;
  about: string;
  budget?: Budget;
  firstSequence?: number;
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

function parking({
  name,
  about,
  budget = NOTHING,
  firstSequence = 0,
  serve,
  balance,
  stops,
}: Course): Scenario<Memory> {
  return {
    name,
    group: 'parking',
    about,
    budget,
    create: () => createServer(firstSequence),
    explored: exploredOf,
    words: wordsOf,
    shown: ['tail', 'head', 'rest', 'bell', 'lateWakes'],
    threads: [
      { name: 'socket thread', run: (memory, gate) => serve(laneOfServer(memory), memory, gate) },
      { name: 'worker', run: work },
    ],
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
    about: 'an event for a worker that goes to sleep',
    serve: lane => push(lane, 1),
    balance: 1,
    stops: false,
  }),
  parking({
    name: 'parking-2',
    about: 'two events, the second across 2^31, for a worker that goes to sleep',
    firstSequence: 2 ** 31 - 1,
    serve(lane) {
      push(lane, 1);
      push(lane, 10);
    },
    balance: 11,
    stops: false,
  }),
  parking({
    name: 'parking-time-out',
    about: 'an event for a worker whose waits run out, or end for nothing, at any moment',
    budget: { timeOuts: 1, wakesForNothing: 1, deaths: 0 },
    serve: lane => push(lane, 1),
    balance: 1,
    stops: false,
  }),
  parking({
    name: 'parking-stop',
    about: 'an event, and the word to leave, for a worker that goes to sleep',
    serve(lane) {
      push(lane, 1);
      lane.stop();
    },
    balance: 1,
    stops: true,
  }),
  parking({
    name: 'parking-ask',
    about: 'a question to a worker that goes to sleep, and the message that it is answered',
    serve(lane, memory, gate) {
      let answer: number | undefined;
      push(lane, 1);
      lane.tryAsk(0, 0, {
        answer: balance => {
          answer = balance;
        },
      });
      lane.publish();
      takeMessages(lane, memory, () => answer !== undefined, gate);
      if (answer !== 1) throw new Error(`was told ${answer}`);
    },
    balance: 1,
    stops: false,
  }),
  parking({
    name: 'parking-room',
    about: 'a full ring, and the message that there is room again',
    serve(lane, memory, gate) {
      let isIn = false;
      const tryAgain = () => {
        isIn = lane.tryPush(0, 100);
        if (!isIn) lane.whenRoom(tryAgain);
      };
      lane.tryPush(0, 1);
      lane.tryPush(0, 10);
      lane.publish();
      tryAgain();
      takeMessages(lane, memory, () => isIn, gate);
      lane.publish();
    },
    balance: 111,
    stops: false,
  }),
] as const;
