/** A journal of format version 1, which had no ids and no transfers, is read and goes on as one of today. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realDisk } from '../../src/journal/disk.ts';
import { partsOf } from '../../src/journal/folder.ts';
import { VERSION } from '../../src/journal/format.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { ACCEPTED, askBalances, okLine } from '../support/asking.ts';
import { type OldJournal, writeOldJournal } from '../support/journal-version-1.ts';
import { balancesOf, eventsOf, freshFolder, serve, verdictOf } from './cli/folder.ts';

const MAX = Number.MAX_SAFE_INTEGER;
/** An hour ago. */
const THEN_MS = Date.now() - 3_600_000;
const LONG = 'ö'.repeat(64);

/** Killed in the midst of a block, long behind its third snapshot. */
const KILLED: OldJournal = {
  epoch: 7,
  snapshot: 3,
  timeMs: THEN_MS - 1_000,
  blocksMs: THEN_MS,
  users: [
    { index: 0, name: 'alice', balance: 100 },
    { index: 3, name: LONG, balance: -5 },
    { index: 9, name: 'rich', balance: MAX },
  ],
  lanes: [
    {
      segment: 2,
      number: 5,
      segments: [
        [
          [
            { user: 0, amount: -30 },
            { user: 3, amount: 2 ** 40 },
          ],
          [
            { user: 9, amount: 1 },
            { user: 1, amount: 4, name: 'bob' },
            { user: 1, amount: 0, isAsked: true },
          ],
        ],
        [[{ user: 0, amount: 7, isAsked: true }]],
      ],
      torn: [{ user: 0, amount: 1_000 }],
    },
    // Nothing has happened here since the start.
    { segment: 0, number: 0, segments: [[]] },
  ],
};
const AFTER_KILL = { alice: 77, [LONG]: 2 ** 40 - 5, rich: MAX, bob: 4 };

/** Its first start, which had stopped by itself: the snapshot is the shortest that there can be. */
const STOPPED: OldJournal = {
  epoch: 1,
  snapshot: 0,
  timeMs: 0,
  blocksMs: THEN_MS,
  users: [],
  lanes: [
    {
      segment: 0,
      number: 0,
      segments: [
        [
          [
            { user: 8, amount: -(2 ** 31), name: 'alice' },
            { user: 8, amount: 1 },
          ],
          [],
        ],
      ],
    },
  ],
};
const AFTER_STOP = { alice: 1 - 2 ** 31 };

test.each([
  ['that was killed', KILLED, AFTER_KILL, false],
  ['that had stopped', STOPPED, AFTER_STOP, true],
])('of a server %s', async (_, journal, expected, isClean) => {
  const data = join(freshFolder(), 'data');
  writeOldJournal(data, journal);
  expect(await verdictOf(data)).toMatchObject({ exitCode: 0, whole: true, clean: isClean });
  expect(await balancesOf(data)).toEqual(expected);

  const alice = expected.alice!;
  const lines = [
    '{"user":"alice","action":"buy","amount":5,"id":"x","wait":true}\n',
    '{"type":"transfer","from":"alice","to":"bob","amount":50,"id":"y"}\n',
    '{"type":"transfer","from":"alice","to":"new","amount":1,"id":"z"}\n',
    '{"user":"alice","action":"sell","amount":2,"min":9007199254740990,"id":"w"}\n',
    '{"user":"bob","action":"buy","amount":1,"id":"x"}\n',
  ];
  const replies = [
    okLine(alice + 5),
    okLine(alice - 45),
    okLine(alice - 46),
    '{"status":"rejected","reason":"insufficient_balance"}',
    ACCEPTED,
  ];
  const names = Object.keys({ ...expected, bob: 0, new: 0 });
  const afterwards = { ...expected, bob: 0, new: 1, alice: alice - 46 };
  afterwards.bob = ((expected as Record<string, number>).bob ?? 0) + 51;
  // The ids come again, to other workers, after a crash.
  for (const workers of [3, 2, 1]) {
    const server = await serve(data, '--workers', String(workers), '--journal-keep', '10d');
    const client = await Client.open(server.port);
    client.send(lines.join(''));
    expect(await client.lines(lines.length)).toEqual(replies);
    client.close();
    expect(await askBalances(server.port, names)).toEqual(names.map(name => afterwards[name as 'alice']));
    server.process.kill('SIGKILL');
    await server.exited;
  }
  expect(await balancesOf(data)).toEqual(afterwards);
  expect(await verdictOf(data)).toMatchObject({ exitCode: 0, whole: true });
  // The old events are history like the new ones.
  const amounts = (await eventsOf(data, '--user', 'alice')).map(({ epoch, amount }) => [epoch, amount]);
  const [old, next] = [journal.epoch, journal.epoch + 1];
  const before = isClean
    ? [
        [old, -(2 ** 31)],
        [old, 1],
      ]
    : [
        [old, -30],
        [old, 7],
      ];
  expect(amounts.slice(0, 5)).toEqual([...before, [next, 5], [next, -50], [next, -1]]);
  // Whoever knew the key of the ids could find two that collide: it was drawn, and once.
  const keys = partsOf(realDisk, data).flatMap(part => (part.epoch < next ? [] : [part.idKey.join()]));
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).not.toBe('0,0,0,0');
  expect(JSON.parse(readFileSync(join(data, 'meta.json'), 'utf8'))).toMatchObject({ version: VERSION });
});
