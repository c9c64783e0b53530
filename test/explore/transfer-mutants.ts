/** Mistakes in transfers between two workers: an amount that is given twice, lost, or told of wrongly. */
import { inFile, type Mutant } from './mutant.ts';

export const TRANSFER_MUTANTS: Mutant[] = [
  ...inFile('src/engine/balances', [
    {
      what: 'what was given is not taken back, so a successor gives it again',
      text: 'this.#balances[word & userMask] = before[event];',
      becomes: 'if ((word & rich) === 0) this.#balances[word & userMask] = before[event];',
      scenario: 'transfer-gives',
    },
    {
      what: 'a successor finds the id of its own run, takes the transfer for a repeat, and nothing is given',
      text: 'this.#ids.takeBack(before[Before.idsTail], extras, withId);',
      becomes: 'this.#ids.takeBack(this.#ids.tail, extras, withId);',
      scenario: 'transfer',
    },
  ]),
  ...inFile('src/engine/transfers', [
    {
      what: 'the second half is put into the ring, and never published',
      text: 'lane.publish();',
      becomes: ';',
      scenario: 'transfer',
    },
    {
      what: 'a repeat gives again',
      text: 'if (isRepeat) {',
      becomes: 'if (false) {',
      scenario: 'transfer-again',
    },
    {
      what: 'a repeat hears of the first half, and not of the end',
      text: 'first.repeats.push(transfer);',
      becomes: 'transfer.end(answer);',
      scenario: 'transfer-back',
    },
    {
      what: 'what is refused does not go back',
      text: 'this.#pay(transfer, ExtraKind.refund);',
      becomes: 'this.#inTransit -= BigInt(transfer.amount); this.#owed -= 1; transfer.end(OVERFLOWED);',
      scenario: 'transfer-refused',
    },
  ]),
  ...inFile('src/engine/deciding', [
    {
      what: 'the id of what went back says that it was done',
      text: 'ids.answer = OVERFLOWED;',
      becomes: ';',
      scenario: 'transfer-refused',
    },
  ]),
  ...inFile('src/engine/lane', [
    {
      what: 'the second half is handed in before the first is decided',
      text: 'this.#asks.collect(head, this.ring.tail);',
      becomes: 'this.#asks.collect(this.ring.tail, this.ring.tail);',
      scenario: 'transfer',
    },
  ]),
];
