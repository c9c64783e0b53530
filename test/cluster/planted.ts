/**
 * Mistakes that are easily made in a node, each to be planted alone into a copy of the sources. Lives in memory (life.ts)
 * must find it.
 */

export interface Planted {
  readonly what: string;
  /** Under src/cluster, without `.ts`. */
  readonly file: string;
  /** Each text must be there exactly once, so that a mistake can't quietly stop being one. */
  readonly changes: readonly (readonly [text: string, becomes: string])[];
  /** The life with which the search begins, because it has been seen to find the mistake. */
  readonly first: number;
}

type Line = readonly [what: string, first: number, ...changes: (readonly [string, string])[]];

const inFile = (file: string, lines: readonly Line[]): Planted[] =>
  lines.map(([what, first, ...changes]) => ({ what, file, first, changes }));

export const PLANTED: readonly Planted[] = [
  ...inFile('outbox', [
    [
      'a block is acknowledged when it is sent',
      1,
      [
        'this.#send(number, this.writer.take(number));',
        'this.#send(number, this.writer.take(number)); for (const each of this.#sent.get(number)!.commits) each.reach(); this.#sent.get(number)!.commits = [];',
      ],
    ],
    [
      'an event is acknowledged when it is gathered',
      1,
      ['    commit.extend();\n    commits.push(commit);', ''],
    ],
    ['two blocks are under way', 1, ['|| this.stored !== this.number - 1 ||', '||']],
    [
      'what is asked is answered when its block is stored',
      1,
      [
        'for (const commit of sent.commits) commit.reach();\n    sent.commits = [];',
        'for (const commit of sent.commits) commit.reach();\n    sent.commits = []; for (const read of sent.reads) read(); sent.reads = [];',
      ],
    ],
    [
      'who waits for a block is not told',
      1,
      ['    for (const read of sent.reads) read();\n    this.seal();', '    this.seal();'],
    ],
    ['a block that came back stays', 1, ['this.#sent.delete(number);', '']],
    [
      'later events of a visit are not waited for',
      1,
      ['if (commits.at(-1) === commit) return;', 'if (commit.writes.some(block => block > 0)) return;'],
    ],
  ]),
  ...inFile('reads', [
    [
      'a fresh balance is that of this node, now',
      1,
      ['if ((request.wants & Wants.fresh) !== 0) return undefined;', ''],
    ],
    [
      'a fresh balance waits for what this node has sent, and not for a mark',
      1,
      [
        'if (last < outbox.number && (request.wants & Wants.fresh) === 0) {',
        'if (last <= outbox.applied) { const p = new Position(0); p.reach(balance()); return p; }\n    if (last < outbox.number) {',
      ],
    ],
    ['a balance behind a fresh one may be older', 1, ['    now()[partition] = outbox.number;\n', '']],
    [
      'a balance waits for nothing',
      1,
      [
        'if (this.#lastOf(partition, earlier, now) > this.#outboxes[partition]!.applied) return undefined;',
        '',
      ],
    ],
    [
      'a balance does not wait for what others have sent to this node',
      1,
      ['return Math.max(stored, earlier', 'return Math.max(stored * 0, earlier'],
    ],
    ['a balance does not wait for what its client has sent', 1, ['earlier?.[partition] ?? 0, now', 'now']],
    ['a balance does not wait for what was sent just before it', 1, [', now?.[partition] ?? 0);', ');']],
    [
      'the name of who is asked for is not copied',
      1,
      ['const party = { name: Uint8Array.from(bytes), hash };', 'const party = { name: bytes, hash };'],
    ],
  ]),
  ...inFile('node', [
    [
      'what has an id is answered before it is decided',
      1,
      ['if (isPromised || user === NOBODY) {', 'if (user === NOBODY) {'],
    ],
    [
      'the first event of a user is answered before it is decided',
      1,
      ['if (isPromised || user === NOBODY) {', 'if (isPromised) {'],
    ],
    [
      'blocks of other nodes are taken for own ones',
      1,
      ['if (from !== node || itsEpoch !== epoch) return [];', 'if (itsEpoch !== epoch) return [];'],
    ],
    [
      'blocks of an earlier start are taken for own ones',
      1,
      ['if (from !== node || itsEpoch !== epoch) return [];', 'if (from !== node) return [];'],
    ],
  ]),
  ...inFile('part', [
    [
      'a block that lies there twice counts twice',
      1,
      ['number <= last) return false;', 'number <= last) return true;'],
    ],
  ]),
  ...inFile('machine', [
    [
      'a block of a node that was started again is taken for a repeat of an earlier one',
      1,
      ['isNew(part, ', 'isNew(part, node ?? '],
    ],
    [
      'a debit is answered as if it were the whole transfer',
      1,
      [
        'if (waits !== undefined) owed.waiting.push(waits.decided.bind(waits));\n      this.#owe',
        'waits?.decided(answer);\n      this.#owe',
      ],
    ],
    [
      'a repeat of a transfer is answered before that is over',
      1,
      ['else open.waiting.push(waits.decided.bind(waits));', 'else waits.decided(answer);'],
    ],
    [
      'what comes back is forgotten',
      1,
      [
        'this.balances[user] = sum;\n    part.inTransit -= BigInt(amount);\n    this.decided.processed -= 1;',
        'part.inTransit -= BigInt(amount);\n    this.decided.processed -= 1;',
      ],
    ],
    [
      'what comes back changes no reply',
      1,
      [
        'part.ids.isOf(number)) part.ids.answer = refusal(reason);',
        'part.ids.isOf(number)) part.ids.answer;',
      ],
    ],
    [
      'what came back before its refusal was seen is answered by nobody',
      1,
      [
        'if (refunds.issue(back) <= refunds.passed) this.#end(back, refusal(back.reason));',
        'refunds.issue(back);',
      ],
    ],
    [
      'a credit that was met before its debit is answered by nobody',
      1,
      ['if (open === undefined) end(owed, owed.answer);\n      else', 'if (open !== undefined)'],
    ],
    [
      'who waits for a transfer whose refusal was met first is answered by nobody',
      1,
      ['else open.waiting.push(...owed.waiting);', ''],
    ],
    [
      'a refused credit is paid all the same',
      1,
      ['if (sum <= BALANCE_MAX) {', 'if (sum <= 2 * BALANCE_MAX) {'],
    ],
    [
      'what comes back passes over a full balance',
      1,
      [
        'if (sum > BALANCE_MAX) return;\n    chain.pass();',
        'chain.pass();\n    if (sum > BALANCE_MAX) return;',
      ],
    ],
    [
      'places for users are counted over all partitions',
      1,
      [
        'if (part.users >= this.#usersMax) return NOBODY;',
        'if (this.users.users >= this.#usersMax * this.parts.length) return NOBODY;',
      ],
    ],
    [
      'a transfer to a new user takes no place',
      1,
      ['Number(isWithin && this.users.find(to) === NOBODY)', '0'],
    ],
    [
      'what is in transit is not counted down',
      1,
      ['part.inTransit -= BigInt(amount);\n      if (known', 'if (known'],
    ],
  ]),
  ...inFile('chains', [
    [
      'the order of a chain is not checked',
      1,
      ['return place === this.passed + 1;', 'return place > this.passed;'],
    ],
    ['a half counts each time', 1, ['return place === this.passed + 1;', 'return place <= this.passed + 1;']],
    ['what was met first stays owed', 1, ['if (this.issued > this.passed) this.open', 'this.open']],
    ['what is applied stays owed', 1, ['this.open.delete(this.passed);', '']],
  ]),
  ...inFile('halves', [
    [
      'halves are sent by nobody but the node that waits for them',
      1,
      ['const isLate = nowMs - sending.sinceMs > this.#patienceMs;', 'const isLate = false;'],
    ],
    [
      'what comes back is sent to who should get',
      1,
      ['const party = isRefund ? from : to;', 'const party = to;'],
    ],
    ['the number of a transfer is lost', 1, ['record.number = number;', 'record.number = 0;']],
    [
      'why it comes back is lost',
      1,
      ['record.reason = isRefund ? reason :', 'record.reason =  false ? reason :'],
    ],
    [
      'the id of a transfer is lost',
      1,
      ['record.wants = id === undefined ? 0 : Wants.id;', 'record.wants = 0;'],
    ],
    ['halves get the place of the one before', 1, ['record.chain = place;', 'record.chain = place - 1;']],
  ]),
  ...inFile('state', [
    [
      'ids are not in a snapshot',
      1,
      ['at < ids.length; at += ID_WORDS) part', 'at < 0; at += ID_WORDS) part'],
    ],
    [
      'the last blocks of nodes are not in a snapshot',
      1,
      ['for (const [sender, number] of senders) part.senders.set(sender, number);', 'void senders;'],
    ],
    [
      'transfers that are not over are not in a snapshot',
      1,
      ['for (const [place, owed] of open) chain.open.set(place, { ...owed, waiting: [] });', 'void open;'],
    ],
    ['the ids of transfers that are not over are not noted', 1, ['  machine.noteOpenIds();\n', '']],
    ['places of chains are not in a snapshot', 1, ['chain.issued = issued;', '']],
    ['what has passed is not in a snapshot', 1, ['chain.passed = passed;', '']],
  ]),
];
