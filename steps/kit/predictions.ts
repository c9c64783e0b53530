/**
 * The questions asked before a pain is shown: for each pain its situation, a question about the decisive figure, and
 * the reason for that figure.
 */
import { count, ms } from '../../src/cli/terminal/numbers.ts';
import type { Finding } from './witnesses/witness.ts';

export interface Unit {
  /** As a reader may write it after a number. */
  name: string;
  /** Other units that a reader may write, in this one. */
  others: Readonly<Record<string, number>>;
  print(value: number): string;
}

/** A range: from the bound of the previous choice (inclusive) to its own (exclusive). */
export interface Choice {
  text: string;
  below: number;
}

/** A question for a yes or a no. */
export interface Whether {
  asks: string;
  measured(finding: Finding): boolean;
}

export interface Question {
  /** What the witness will do. */
  situation: string;
  asks: string;
  unit: Unit;
  /** Rising; the last one has no bound. */
  choices: readonly Choice[];
  /** Its name in the evidence of the witness. */
  figure: string;
  /** A second question, without a figure, if the pain has a second side. */
  whether?: Whether;
  /** The reason if the pain is present, and if it is absent. */
  because: { present: string; absent: string };
}

export const MS: Unit = {
  name: 'ms',
  others: { us: 0.001, µs: 0.001, s: 1_000, min: 60_000, m: 60_000 },
  print: value => `${ms(value)} ms`,
};
export const MIB: Unit = {
  name: 'MiB',
  others: { KiB: 1 / 1_024, MB: 0.954, GiB: 1_024 },
  print: value => `${value} MiB`,
};
export const TIMES: Unit = { name: 'times', others: { x: 1, '×': 1 }, print: value => `${value} times` };
export const EVENTS: Unit = { name: 'events', others: { event: 1 }, print: value => count(value) };
export const PERCENT: Unit = { name: '%', others: { percent: 1 }, print: value => `${value} %` };
const REST = Number.POSITIVE_INFINITY;

/** By the number of the pain. */
export const QUESTIONS: Readonly<Record<number, Question>> = {
  1: {
    situation:
      'One client gets 200 replies, then stays for 1,000 ms and says nothing. A second one connects and asks once.',
    asks: 'After how long does the second client have its reply?',
    unit: MS,
    choices: [
      { text: 'under 1 ms', below: 1 },
      { text: '1 to 50 ms', below: 50 },
      { text: '50 to 900 ms', below: 900 },
      { text: '900 ms or more: when the first one leaves', below: REST },
    ],
    figure: 'secondWaitedMs',
    because: {
      present:
        'the one thread sleeps in a read of the first client, and only that client can wake it. How long depends on nothing that the server does.',
      absent:
        'whoever waits for bytes waits for those of all clients at once, so a silent one holds up nobody.',
    },
  },
  2: {
    situation:
      'Three clients send a line each, and reset their connections. Later another one sends 64 MiB of lines, as long as they are taken, and reads no reply.',
    whether: {
      asks: 'Will a client that stands beside those three lose its connection?',
      measured: ({ evidence }) => evidence.othersLost === true,
    },
    asks: 'How much does the server keep for the one that does not read?',
    unit: MIB,
    choices: [
      { text: 'less than 1 MiB', below: 1 },
      { text: '1 to 10 MiB', below: 10 },
      { text: '10 to 50 MiB', below: 50 },
      { text: '50 MiB or more: everything', below: REST },
    ],
    figure: 'unreadMiB',
    because: {
      present:
        'an error that nobody listens for ends the process, and with it all connections. And where nobody looks at what write returns, all that the kernel does not take is kept.',
      absent:
        'an error ends one connection, and the others never learn of it. The kernel keeps a few MiB; a server that then stops reading the client keeps no more, and TCP stops the client.',
    },
  },
  3: {
    situation: 'Of 1,000 good events each leaves in two packets, cut at a random place.',
    asks: 'How many of the 1,000 are refused?',
    unit: EVENTS,
    choices: [
      { text: 'none', below: 1 },
      { text: '1 to 49', below: 50 },
      { text: '50 to 499', below: 500 },
      { text: '500 or more', below: REST },
    ],
    figure: 'refused',
    because: {
      present:
        'a read brings what has come by then, and that is taken for a line. The few that pass came so late that one read brought both halves.',
      absent: 'what is left of a packet waits for the next one, so it does not matter where the cut was.',
    },
  },
  4: {
    situation:
      'One client asks for health every 5 ms. Another sends 1,000 events at once, each of which costs 2 ms.',
    asks: 'How long does health take beside that flood, at the 99th percentile?',
    unit: MS,
    choices: [
      { text: 'under 1 ms', below: 1 },
      { text: '1 to 100 ms', below: 100 },
      { text: '100 ms to 1 s', below: 1_000 },
      { text: 'more than 1 s', below: REST },
    ],
    figure: 'healthP99Ms',
    because: {
      present:
        '1,000 events of 2 ms are 2 s of one thread, and it lets nobody else run in between: an await that need not wait does not go back to the event loop.',
      absent: 'whoever answers clients does not apply events, so health waits for none of them.',
    },
  },
  5: {
    situation:
      'An event costs 20 ms. 100 a second are sent for 2.5 s, 250 in all; the queue holds 32; four threads are allowed.',
    asks: 'How many of the 250 are refused?',
    unit: EVENTS,
    choices: [
      { text: 'none', below: 1 },
      { text: '1 to 49', below: 50 },
      { text: '50 to 149', below: 150 },
      { text: '150 or more', below: REST },
    ],
    figure: 'refused',
    because: {
      present:
        'one thread applies 50 a second, 125 in 2.5 s; the queue has room for 32 more; the rest, 93 or so, must go, on any number of cores.',
      absent: 'four threads can apply 200 a second, and 100 come.',
    },
  },
  6: {
    situation:
      'Four workers share one table. 16 clients send 20 events each, all to buy 1 for one user; between reading the balance and writing it lie 2 ms.',
    asks: '320 are accepted. What is the balance?',
    unit: EVENTS,
    choices: [
      { text: 'under 160', below: 160 },
      { text: '160 to 299', below: 300 },
      { text: '300 to 319', below: 320 },
      { text: '320', below: REST },
    ],
    figure: 'balance',
    because: {
      present:
        'four threads read the same balance, wait, and write the same sum: of four updates about one is left. No reply tells, and no log.',
      absent: 'reading, adding and writing are never interrupted by another update of that balance.',
    },
  },
  7: {
    situation:
      'An event holds its balance for 5 ms, asleep. 64 clients, each with a user of its own, send to 1 worker, then to 8.',
    asks: 'How many times as much do 8 workers get done as 1?',
    unit: TIMES,
    choices: [
      { text: 'less than 1.5: no more than one', below: 1.5 },
      { text: '1.5 to 4', below: 4 },
      { text: '4 to 9', below: 9 },
      { text: '9 or more', below: REST },
    ],
    figure: 'ratio',
    because: {
      present:
        'all of them need the same lock, so one sleeps with it and seven wait. 1 / 5 ms are 200 a second, with as many workers as you like.',
      absent: 'different users seldom need the same lock, so eight can sleep side by side.',
    },
  },
  8: {
    situation: '100 events are applied. Then the server is asked for metrics.',
    asks: 'How many events does it say that it has received?',
    unit: EVENTS,
    choices: [
      { text: 'none: it cannot say', below: 1 },
      { text: '1 to 99: it loses some counts', below: 100 },
      { text: '100', below: 101 },
      { text: 'more than 100', below: REST },
    ],
    figure: 'received',
    because: {
      present:
        'a count is written by all threads for all users, and was left out for fear of one more hot lock. Nobody notices, until a night on which somebody asks.',
      absent:
        'each thread adds atomically to a number of its own, and whoever asks adds them up: no lock, and none missing.',
    },
  },
  9: {
    situation:
      '300 events are accepted, each of which costs 5 ms. A tenth of a second later somebody presses Ctrl+C.',
    asks: 'How many of the 300 are lost?',
    unit: EVENTS,
    choices: [
      { text: 'none', below: 1 },
      { text: '1 to 9: those that were being applied', below: 10 },
      { text: '10 to 149', below: 150 },
      { text: '150 or more', below: REST },
    ],
    figure: 'lost',
    because: {
      present:
        'in a tenth of a second about 20 were applied; the others lay in a queue in memory, and no line of the program runs after the signal.',
      absent: 'the signal is taken: nothing new is accepted, the queues run empty, and only then it ends.',
    },
  },
  10: {
    situation:
      'One client is connected and says nothing. Somebody presses Ctrl+C. The witness waits for 10 s at most.',
    asks: 'After how long has the server ended?',
    unit: MS,
    choices: [
      { text: 'within 100 ms', below: 100 },
      { text: '100 ms to 2 s', below: 2_000 },
      { text: '2 to 10 s', below: 10_000 },
      { text: 'not within 10 s', below: REST },
    ],
    figure: 'elapsedMs',
    because: {
      present:
        'it waits until every client has hung up, and this one never will. The 10 s are the patience of the witness, not the end.',
      absent: 'every wait has a limit: clients are asked to go, and then they are gone.',
    },
  },
};

/**
 * For the pain's own step the answer is known; for any other server, whether the pain is present is the first
 * question.
 */
export function whetherOf(
  pain: number,
  painName: string,
  isOwnStep: boolean,
  server: string,
): Whether | undefined {
  return isOwnStep ? questionOf(pain).whether : whetherWith(pain, painName, server);
}

/** Whether the pain shows in a server of which it is not known. */
export function whetherWith(pain: number, painName: string, server: string): Whether {
  return {
    asks: `Will pain ${pain}, ${painName}, show in ${server}?`,
    measured: ({ isPresent }) => isPresent,
  };
}

export function questionOf(pain: number): Question {
  const question = QUESTIONS[pain];
  if (question === undefined) throw new RangeError(`there is no question for pain ${pain}`);
  return question;
}
