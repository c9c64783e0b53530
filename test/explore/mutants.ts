/**
 * Mistakes that are easily made, each to be planted alone into the compiled modules, and the scenario that must go wrong
 * with it.
 */
import { inFile, type Mutant } from './mutant.ts';
import { STEP_MUTANTS } from './step-mutants.ts';
import { TRANSFER_MUTANTS } from './transfer-mutants.ts';

export const MUTANTS: Mutant[] = [
  ...inFile('src/engine/ring', [
    {
      what: 'a slot is published before it is written',
      text: 'const slot = this.#tail & this.#mask;\n        if (ask',
      becomes:
        'const slot = this.#tail & this.#mask; Atomics.store(this.#words, Word.tail, (this.#tail + 1) | 0);\n        if (ask',
      scenario: 'ring',
    },
    {
      what: 'the mask is the capacity',
      text: 'this.#mask = this.capacity - 1;',
      becomes: 'this.#mask = this.capacity;',
      scenario: 'ring',
    },
    {
      what: 'full is one slot too late',
      text: '+ Math.min(room, journalRoom)',
      becomes: '+ 1 + Math.min(room, journalRoom)',
      scenario: 'ring',
    },
    {
      what: 'what is in the ring is not counted as taken',
      text: 'const room = capacity - depth;',
      becomes: 'const room = capacity;',
      scenario: 'ring',
    },
    {
      what: 'what is available is reckoned without regard to 2^31',
      text: 'return (Atomics.load(this.#words, Word.tail) - this.#head) | 0;',
      becomes: 'return Atomics.load(this.#words, Word.tail) - this.#head;',
      scenario: 'ring-sign',
    },
    {
      what: 'the copy of the head is never read anew',
      text: 'this.#headSeen = Atomics.load(this.#words, Word.head);\n        return',
      becomes: 'return',
      scenario: 'ring',
    },
    {
      what: 'the tail is stored plainly',
      text: 'Atomics.store(this.#words, Word.tail, this.#tail);',
      becomes: 'this.#words[Word.tail] = this.#tail;',
      scenario: 'ring',
    },
    {
      what: 'the tail is read plainly',
      text: 'return (Atomics.load(this.#words, Word.tail)',
      becomes: 'return (this.#words[Word.tail]',
      scenario: 'ring',
    },
    {
      what: 'the head is given back plainly',
      text: 'Atomics.store(this.#words, Word.head, head);',
      becomes: 'this.#words[Word.head] = head;',
      scenario: 'ring',
    },
    {
      what: 'the wide amount is written to the slot before',
      text: '    this.#amounts[slot] = amount;\n        }',
      becomes: '    this.#amounts[(slot + 1) & this.#mask] = amount;\n        }',
      scenario: 'ring',
    },
  ]),
  ...inFile('src/engine/wakeup', [
    {
      what: 'the notify is missing',
      text: 'Atomics.notify(this.#words, Word.bell, 1);',
      becomes: '',
      scenario: 'parking',
    },
    {
      what: 'the bell is not changed before the notify',
      text: 'Atomics.store(this.#words, Word.bell, this.#bell);',
      becomes: '',
      scenario: 'parking',
    },
    {
      what: 'the worker says that it rests after it has looked for work',
      text: "Atomics.store(this.#words, Word.rest, this.#ticket | kind);\n        const slept = this.#hasWork() ? 'not-equal'",
      becomes:
        "const has = this.#hasWork();\n        Atomics.store(this.#words, Word.rest, this.#ticket | kind);\n        const slept = has ? 'not-equal'",
      scenario: 'parking',
    },
    {
      what: 'the worker reads the bell after it has looked for work',
      text: ': Atomics.wait(this.#words, Word.bell, bell, waitMs);',
      becomes: ': Atomics.wait(this.#words, Word.bell, Atomics.load(this.#words, Word.bell), waitMs);',
      scenario: 'parking',
    },
    {
      what: 'a worker whose time ran out says that it is awake before it waits for a ring on its way',
      text: "if (slept === 'timed-out' && kind",
      becomes:
        "if (slept === 'timed-out') Atomics.store(this.#words, Word.rest, this.#ticket);\n        if (slept === 'timed-out' && kind",
      scenario: 'parking-time-out',
    },
    {
      what: 'every rest has the same ticket',
      text: 'this.#ticket = (this.#ticket + TICKET_STEP) | 0;',
      becomes: '',
      scenario: 'parking-2',
    },
    {
      what: 'a successor begins its tickets anew',
      text: 'this.#ticket = Atomics.load(words, Word.rest) & ~KIND_MASK;',
      becomes: 'this.#ticket = 0;',
      scenario: 'worker-death-parked',
      isLong: true,
    },
    {
      what: 'the bell is rung for napping workers only',
      text: 'kind === Rest.awake ||',
      becomes: 'kind !== Rest.napping ||',
      scenario: 'parking',
    },
  ]),
  ...inFile('src/engine/lane', [
    {
      what: 'the bell is rung before the event is published',
      text: 'if (!this.ring.publish())\n            return;',
      becomes:
        'this.#bell.notify(this.#asks.isNew); if (!this.ring.publish()) return; if (this.ring.depth >= 0) return;',
      scenario: 'parking',
    },
    {
      what: 'a message is acknowledged after the answers were collected',
      text: 'Atomics.store(this.#memory.words, Word.acknowledged, Atomics.load(this.#memory.words, Word.messages));\n        this.collect();',
      becomes:
        'const messages = Atomics.load(this.#memory.words, Word.messages);\n        this.collect();\n        Atomics.store(this.#memory.words, Word.acknowledged, messages);',
      scenario: 'parking-ask-2',
    },
    {
      what: 'who waits for room does not look once more',
      text: 'if (this.ring.hasRoom() && !this.#asks.isFull)\n            setImmediate',
      becomes: 'if (false)\n            setImmediate',
      scenario: 'parking-room',
    },
  ]),
  ...inFile('src/engine/worker', [
    {
      what: 'the word to leave is believed with an old look at the ring',
      text: 'if (isStopped() && ring.available() === 0 && !isFrozen(words))',
      becomes: 'if (isStopped() && available === 0 && !isFrozen(words))',
      scenario: 'parking-stop',
    },
    {
      what: 'a worker that was told to leave leaves what is in the ring',
      text: 'if (available === 0 || isFrozen(words)) {',
      becomes: 'if (isStopped()) return; if (available === 0 || isFrozen(words)) {',
      scenario: 'parking-stop',
    },
  ]),
  ...inFile('src/engine/balances', [
    {
      what: 'a run is not noted before it is applied',
      text: 'Atomics.store(words, Word.begun, end);',
      becomes: '',
      scenario: 'worker-death',
    },
    {
      what: 'a run is noted before the balances are kept',
      text: '#begin(count, end) {',
      becomes: '#begin(count, end) { Atomics.store(this.#lane.words, Word.begun, end);',
      scenario: 'worker-death',
    },
    {
      what: 'a successor does not take the counts back',
      text: 'this.#decided.processed = before[Before.processed];',
      becomes: '',
      scenario: 'worker-death',
    },
    {
      what: 'a successor does not take the balances back',
      text: 'this.#balances[word & userMask] = before[event];',
      becomes: ';',
      scenario: 'worker-death',
    },
    {
      what: 'the counts are published behind the head',
      text: 'this.#publishCounts(isRich);\n        ring.release(end);',
      becomes: 'ring.release(end);\n        this.#publishCounts(isRich);',
      scenario: 'worker-death',
    },
    {
      what: 'the head is given back before the events are applied',
      text: 'const isAsked = isRich ?',
      becomes: 'Atomics.store(this.#lane.words, Word.head, end); const isAsked = isRich ?',
      scenario: 'worker-death',
    },
    {
      what: 'the ids of a run are not taken back',
      text: 'this.#ids.takeBack(before[Before.idsTail], extras, withId);',
      becomes: '',
      scenario: 'ids',
    },
    {
      what: 'the next id is told behind the head',
      text: 'this.#publishCounts(isRich);\n        ring.release(end);',
      becomes:
        'this.#publishCounts(false);\n        ring.release(end);\n        if (isRich) this.#publishCounts(true);',
      scenario: 'ids',
    },
    {
      what: 'the counts of refusals are not taken back',
      text: 'decided.duplicate = before[Before.duplicate];',
      becomes: '',
      scenario: 'ids',
    },
    {
      what: 'who gets in a transfer does not lose it when it is taken back',
      text: 'this.#balances[extras.words[at + ExtraWord.other]] = before[Before.others + event];',
      becomes: ';',
      scenario: 'ids-transfer',
    },
    {
      what: 'the other balance is not saved before a transfer',
      text: 'before[Before.others + event] = this.#balances[extras.words[at + ExtraWord.other]];',
      becomes: ';',
      scenario: 'ids-transfer',
    },
  ]),
  ...inFile('src/engine/ids', [
    {
      what: 'what was taken back is still counted',
      text: 'this.tail = tail;\n        for (const at of places)',
      becomes: 'for (const at of places)',
      scenario: 'ids',
    },
    {
      what: 'the index still has what was taken back',
      text: 'this.#index[place] = position;\n        }\n    }\n    /** Copies',
      becomes: '}\n    }\n    /** Copies',
      scenario: 'ids',
    },
    {
      what: 'an id is in the index before it knows the one before it',
      text: 'this.#words[id + Field.before] = this.#index[place];\n        this.#index[place] = position;',
      becomes: 'this.#index[place] = position;\n        this.#words[id + Field.before] = 0;',
      scenario: 'ids',
    },
  ]),
  ...STEP_MUTANTS,
  ...TRANSFER_MUTANTS,
  ...inFile('src/engine/worker', [
    {
      what: 'events are applied before they are written',
      text: `const ready = writer === undefined ? available : writer.secure(ring.head, available);
        const isAsked = balances.applyRun(Math.min(ready, runMax));`,
      becomes: `const { head } = ring;
        const isAsked = balances.applyRun(Math.min(available, runMax));
        writer?.secure(head, available);`,
      scenario: 'journal',
    },
  ]),
  ...inFile('src/journal/lane-writer', [
    {
      what: 'a place is kept before its block is written',
      text: `this.#open().write([this.#header, ...parts], this.#offset);
        this.#count(performance.now() - startMs, bytes, slots);
        this.#keep(slots, end, bytes, 1, namesEnd);`,
      becomes: `const at = this.#offset;
        const file = this.#open();
        this.#keep(slots, end, bytes, 1, namesEnd);
        file.write([this.#header, ...parts], at);`,
      scenario: 'journal',
    },
    {
      what: 'there is one place, not two',
      text: 'const at = (this.#version & 1) * PLACE_FIELDS;',
      becomes: 'const at = 0;',
      scenario: 'journal',
    },
    {
      what: 'the version of a place is stored first',
      text: 'places[at + Field.end] = end;',
      becomes: 'places[at + Field.version] = this.#version; places[at + Field.end] = end;',
      scenario: 'journal',
    },
    {
      what: 'a successor writes again what is written',
      text: 'if (written > 0)',
      becomes: 'if (written > 2)',
      scenario: 'journal',
    },
  ]),
];
