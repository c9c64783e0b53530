/**
 * How long a server takes to come back: from a journal of events, from a snapshot of a million users, and what a small
 * journal adds to a start. The files are in the memory of the system, as after a restart of the process; behind a restart
 * of the machine, the disk must read them first.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Measure, Size } from '../bench.ts';
import { Asker } from '../peers/asker.ts';
import { type Entry, startTally, TALLY } from '../peers/subjects.ts';
import { onFresh } from '../peers/trial.ts';
import { alternate, type Figure, type Trial } from '../rounds.ts';
import { newFolder } from './subjects.ts';
import { AMOUNT, type Content, copyJournal, nameOf, writeJournal } from './written.ts';

const MILLION = 1_000_000;
const EVENTS: Record<Size, number[]> = {
  small: [20_000],
  full: [1, 2, 5, 10, 20].map(millions => millions * MILLION),
};
const EVENT_USERS: Record<Size, number> = { small: 1_000, full: 10_000 };
const SNAPSHOT_USERS: Record<Size, number> = { small: 2_000, full: MILLION };
const SMALL: Content = { usersBefore: 0, events: 10_000, eventUsers: 1_000 };
const ROUNDS: Record<Size, number> = { small: 1, full: 5 };
/** Balances that are compared. */
const ASKED_MAX = 10_000;

const LISTENING = 'ms from its start until it listens';
const NO_JOURNAL = 'no journal';
const NEW = 'a new journal';
const LITTLE = `${named(SMALL.events, 'events')} of ${named(SMALL.eventUsers, 'users')}`;

export const bench: Bench = {
  name: 'recovery',
  about: 'How long Tally takes to come back, by the events and the users in its journal',
  async run(size, say) {
    const { folder, cleanUp } = newFolder();
    process.on('exit', cleanUp);
    try {
      say('writing the journals');
      const users = SNAPSHOT_USERS[size];
      const contents = [
        ...EVENTS[size].map(events => contentOf(events, EVENT_USERS[size])),
        { usersBefore: users, events: 0, eventUsers: 1 },
      ];
      const back = contents.map((content): Trial => {
        const from = written(folder, content);
        const { events, usersBefore } = content;
        const subject = events > 0 ? named(events, 'events') : `a snapshot of ${named(usersBefore, 'users')}`;
        return { subject, condition: '', run: async () => figuresOf(await comeBack(from, content), content) };
      });
      const small = written(folder, SMALL);
      const measures = await alternate(ROUNDS[size], [...startTrials(small), ...back], say);
      return [...measures, ...addedOf(measures)];
    } finally {
      process.off('exit', cleanUp);
      cleanUp();
    }
  },
};

export function contentOf(events: number, eventUsers = EVENT_USERS.full): Content {
  return { usersBefore: 0, events, eventUsers };
}

/** Writes a journal into a folder of its own within `folder`. Returns that. */
export function written(folder: string, content: Content): string {
  const dir = join(folder, `${content.usersBefore}-${content.events}`);
  mkdirSync(dir);
  writeJournal(dir, content);
  return dir;
}

export interface Back {
  /** From the start of the process to the line that says that it listens. */
  listeningMs: number;
  /** What the server says that reading took. */
  readingMs: number;
}

/** Starts a server on a copy of the journal, and checks that all that is in it has come back. */
export async function comeBack(from: string, content: Content): Promise<Back> {
  let recovered: (entry: Entry) => void = () => {};
  const said = new Promise<Entry>(resolve => {
    recovered = resolve;
  });
  const { folder, cleanUp } = newFolder();
  const data = join(folder, 'data');
  copyJournal(from, data);
  const startMs = performance.now();
  let listeningMs = Number.NaN;
  const start = async () => {
    const server = await startTally(['--data', data, '--ring', '65536'], [], {
      cleanUp,
      onEntry: entry => {
        if (entry.event === 'listening') listeningMs = performance.now() - startMs;
        if (entry.event === 'recovered') recovered(entry);
      },
    });
    return server;
  };
  const { events, users, clean, ms } = await onFresh({ ...TALLY, start }, async ({ port }) => {
    await checkBalances(port, content);
    return said;
  });
  const expected = Math.max(content.usersBefore, content.events > 0 ? content.eventUsers : 0);
  if (events !== content.events || users !== expected || clean !== true)
    throw new Error(`${events} events and ${users} users came back, of ${content.events} and ${expected}`);
  return { listeningMs, readingMs: ms as number };
}

/** Of all users, or of some that are spread over all. */
async function checkBalances(port: number, { usersBefore, events, eventUsers }: Content): Promise<void> {
  const users = Math.max(usersBefore, eventUsers);
  const step = Math.ceil(users / ASKED_MAX);
  const asker = await Asker.open(port);
  let [lines, replies] = ['', ''];
  for (let user = 0; user < users; user += step) {
    const times = (user < usersBefore ? 1 : 0) + (user < eventUsers ? events / eventUsers : 0);
    lines += `{"type":"balance","user":"${nameOf(user)}"}\n`;
    replies += `{"status":"ok","balance":${times * AMOUNT}}\n`;
  }
  await asker.send(Buffer.from(lines), Buffer.from(replies));
  asker.close();
}

function figuresOf({ listeningMs, readingMs }: Back, { events, usersBefore }: Content): Figure[] {
  const count = events + usersBefore;
  return [
    { unit: LISTENING, better: 'lower', value: listeningMs },
    { unit: 'ms of them to read the journal', better: 'lower', value: readingMs },
    // The server says whole milliseconds.
    { unit: 'events or users read/s', better: 'higher', value: (count * 1_000) / Math.max(readingMs, 1) },
  ];
}

/** Starts with little or nothing to read. */
function startTrials(small: string): Trial[] {
  const figure = (value: number): Figure[] => [{ unit: LISTENING, better: 'lower', value }];
  const start = (flags: string[]) => async () => {
    const startMs = performance.now();
    return onFresh({ ...TALLY, start: () => startTally(flags) }, async () =>
      figure(performance.now() - startMs),
    );
  };
  const onEmpty = async () => {
    const { folder, cleanUp } = newFolder();
    return start(['--data', folder, '--ring', '65536'])().finally(cleanUp);
  };
  return [
    { subject: NO_JOURNAL, condition: '', run: start(['--ring', '65536']) },
    { subject: NEW, condition: '', run: onEmpty },
    {
      subject: LITTLE,
      condition: '',
      run: async () => figure((await comeBack(small, SMALL)).listeningMs),
    },
  ];
}

/** What a journal with little in it adds to a start, within a round. */
function addedOf(measures: readonly Measure[]): Measure[] {
  const starts = measures.filter(({ unit }) => unit === LISTENING);
  const bare = starts.find(({ subject }) => subject === NO_JOURNAL)!;
  return starts
    .filter(({ subject }) => subject === NEW || subject === LITTLE)
    .map(measure => ({
      ...measure,
      unit: `ms more than with ${NO_JOURNAL}`,
      samples: measure.samples.map((sample, round) => sample - bare.samples[round]!),
    }));
}

function named(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}`;
}
