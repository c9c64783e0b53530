/**
 * Mistakes that are easily made with ids, minimums and transfers, each to be planted alone into a copy of the sources, and
 * what must find it.
 */
import { inFile, type Mutant } from './mutant.ts';

export const ID_MUTANTS: Mutant[] = [
  ...inFile('engine/deciding', [
    [
      'an id that comes again is applied again',
      'lives',
      ['if (ids.find(user, extras, at)) {\n    if', 'if (false) {\n    if'],
    ],
    [
      'a full memory of ids applies, and does not remember',
      'lives',
      [
        'if (ids.isFull) {',
        'if (ids.isFull) return apply(balances, user, amount, extras, at, decided);\n  if (false) {',
      ],
    ],
    [
      'an event below its minimum is applied',
      'lives',
      ['if (sum < extras.floats', 'if (sum + 1e9 < extras.floats'],
    ],
    [
      'who gets in a transfer gets nothing',
      'lives',
      ['if (isTransfer) balances[other] = balances[other]! - amount;', ''],
    ],
    [
      'who gets in a transfer may have too much',
      ['lives', 74],
      [' || (isTransfer && balances[other]! - amount > BALANCE_MAX);', ';'],
    ],
    [
      'a second half that overflows is applied',
      ['lives', 14],
      ['if (sum > BALANCE_MAX) return OVERFLOWED;', ''],
    ],
    [
      'the answer of a transfer that went back stays as it was',
      ['lives', 104],
      ['ids.answer = OVERFLOWED;', ';'],
    ],
  ]),
  ...inFile('engine/ids', [
    [
      'an id is that of any user',
      'lives',
      ['        words[id + Field.user] === user\n', '        words[id + Field.user]! >= 0\n'],
    ],
    [
      'ids restored are not in the index',
      'lives',
      [
        '    this.#words.set(from, id);\n    this.#link(this.tail, id);',
        '    this.#words.set(from, id);\n    this.tail += 1;',
      ],
    ],
    ['ids keep the index of their user', ['lives', 16], ['  copied[Field.user] = user;', '']],
    [
      'who gets keeps its index in an id',
      'lives',
      ['    copied[Field.other] = newIndexOf[copied[Field.other]!]!;', '    copied[Field.other] = 0;'],
    ],
  ]),
  ...inFile('engine/transfers', [
    ['a repeat of a transfer pays again', ['lives', 20], ['if (isRepeat) {', 'if (false) {']],
    [
      'what was owed is not paid after a start',
      ['lives', 132],
      ['      this.#pay(transfer, isRefused ? ExtraKind.refund : ExtraKind.credit);', ''],
    ],
    [
      'a transfer that was refused is paid after a start',
      ['lives', 2351],
      ['isRefused ? ExtraKind.refund : ExtraKind.credit', 'ExtraKind.credit'],
    ],
    [
      'numbers of transfers begin anew',
      ['lives', 142],
      ['    this.#next = firstNumber;', '    this.#next = 1;'],
    ],
    [
      'the name of who gets is told in its own lane only',
      'lives',
      [
        'const tellsOther = lane.isRecorded && (isOtherNew || !isLocal);',
        'const tellsOther = lane.isRecorded && isOtherNew && isLocal;',
      ],
    ],
  ]),
  ...inFile('journal/transits', [
    [
      'a second half is forgotten if it is read first',
      'lives',
      [
        '    if (isOver) this.open.delete(number);',
        '    if (isOver || !transit.isDebited) this.open.delete(number);',
      ],
    ],
    [
      'what lost its first half keeps the second',
      ['lives', 114],
      ["if (second === 'done') balances[to] = balances[to]! - amount;", ''],
    ],
    [
      'what went back goes back again',
      ['lives', 2071],
      ['      if (isRefunded) this.open.delete(number);', ''],
    ],
    [
      'a snapshot forgets that a first half was read',
      ['lives', 28],
      ['isDebited: (flags & 4) !== 0', 'isDebited: false'],
    ],
  ]),
  ...inFile('journal/ledger', [
    [
      'ids are not remembered when a journal is read',
      'lives',
      ['    const answer = decide(', '    ids.head = ids.tail;\n    const answer = decide('],
    ],
  ]),
  ...inFile('journal/lane-writer', [
    [
      'extras are taken for those of the last run',
      'lives',
      ['this.#extras[to + word] = this.#ringExtras[from + word]!;', ';'],
    ],
    [
      'the second name of a transfer is left out',
      'lives',
      ['      while (slots === nextName) {', '      if (slots === nextName) {'],
    ],
  ]),
  ...inFile('journal/snapshot', [
    [
      'a snapshot has no ids',
      'lives',
      ['let left = each?.count ?? 0; left > 0;', 'let left = 0; left > 0;'],
      ['ids[index]?.count ?? 0, lane + 16', '0, lane + 16'],
    ],
    [
      'a snapshot has no transfers',
      ['lives', 28],
      ['const transits = [...ledger.transits.open.values()];', 'const transits: never[] = [];'],
    ],
    [
      'a snapshot forgets the numbers of transfers',
      ['lives', 409],
      ['ledger.transits.end = bytes.readDoubleLE(At.transfersEnd);', ''],
    ],
  ]),
];
