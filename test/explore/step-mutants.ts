/** Mistakes for the steps: see mutants.ts. */
import { inFile, type Mutant } from './mutant.ts';

export const STEP_MUTANTS: Mutant[] = [
  ...inFile('steps/06-worker-threads/queue', [
    {
      what: 'the tail is stored before the slot',
      text: 'slots.set([row, amount, Number(asks)], offsetOf(slots, tail));',
      becomes:
        'Atomics.store(numbers, TAIL, tail + 1); slots.set([row, amount, Number(asks)], offsetOf(slots, tail));',
      scenario: 'queue',
    },
    {
      what: 'the consumer is not notified',
      text: 'Atomics.notify(numbers, TAIL);',
      becomes: '',
      scenario: 'queue',
    },
    {
      what: 'the difference of the numbers is not taken in 32 bits',
      text: '(tail - Atomics.load(numbers, HEAD)) | 0;',
      becomes: '(tail - Atomics.load(numbers, HEAD));',
      scenario: 'queue-sign',
    },
  ]),
  ...inFile('steps/07-one-lock/lock', [
    {
      what: 'a ticket is drawn in two operations',
      text: 'Atomics.add(lock, NEXT, 1)',
      becomes: 'Atomics.store(lock, NEXT, Atomics.load(lock, NEXT) + 1) - 1',
      scenario: 'lock',
    },
    {
      what: 'nobody is notified',
      text: 'Atomics.notify(lock, SERVED);',
      becomes: '',
      scenario: 'lock',
    },
    {
      what: 'one sleeper is notified, whoever it is',
      text: 'Atomics.notify(lock, SERVED);',
      becomes: 'Atomics.notify(lock, SERVED, 1);',
      scenario: 'lock-3',
    },
    {
      what: 'a sleeper that wakes does not look again',
      text: 'Atomics.wait(lock, at, seen);',
      becomes: '{ Atomics.wait(lock, at, seen); return; }',
      scenario: 'lock',
    },
  ]),
  ...inFile('steps/07-one-lock/worker', [
    {
      what: 'the lock is released before the balance is stored',
      text: "work(flags['window-us'], flags.work);",
      becomes: 'release(lock);',
      scenario: 'lock',
    },
  ]),
  ...inFile('steps/08-sharded-locks/lock', [
    {
      what: 'a reader lets the next one in before it is counted',
      text: 'Atomics.add(lock, READERS, 1);\n    releaseWrite(lock);',
      becomes: 'releaseWrite(lock);\n    Atomics.add(lock, READERS, 1);',
      scenario: 'lock-read-write',
    },
    {
      what: 'a writer does not wait for the readers',
      text: 'waitUntil(lock, READERS, 0);',
      becomes: '',
      scenario: 'lock-read-write',
    },
    {
      what: 'the last reader tells nobody',
      text: 'Atomics.notify(lock, READERS);',
      becomes: ';',
      scenario: 'lock-read-write',
    },
  ]),
  ...inFile('steps/09-lock-free-metrics/counters', [
    {
      what: 'a shared number is changed by a load and a store',
      text: 'Atomics.add(counts, what, 1n);',
      becomes: 'Atomics.store(counts, what, Atomics.load(counts, what) + 1n);',
      scenario: 'counters-shared-read',
    },
    {
      what: 'the number under the lock is changed plainly',
      text: 'Atomics.store(counts, what, counts[what] + 1n);',
      becomes: 'counts[what] += 1n;',
      scenario: 'counters-lock-read',
    },
  ]),
];
