/**
 * Rights × requests × users, each cell over the wire: what a token does not allow is not done, and nothing else is
 * refused. A second implementation of the rules, below, says what is right.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeSecurityUnderLoad } from '../support/security-cycles.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { open, say } from '../support/speaking.ts';

const RIGHTS = ['write', 'read', 'transfer', 'admin'] as const;
type Right = (typeof RIGHTS)[number];
const USERS = ['*', 'a:*', 'alice', 'none'] as const;
const NAMES = ['alice', 'alic', 'alices', 'a:1', 'a:', 'bob', 'é'];

interface Holder {
  token: string;
  may: Right[];
  users: (typeof USERS)[number];
}

const holders: Holder[] = Array.from({ length: 16 }, (_, bits) =>
  RIGHTS.filter((_, bit) => bits & (1 << bit)),
)
  .filter(may => may.length > 0)
  .flatMap((may, at) =>
    USERS.map(users => ({
      token: `tally_${`${at}-${users}`.replace(/\W/g, '_')}`.padEnd(49, 'x'),
      may,
      users,
    })),
  );

const UNAUTHORIZED = '{"status":"error","reason":"unauthorized"}';
const FORBIDDEN = '{"status":"error","reason":"forbidden"}';

/** A request, the right that it needs (or none), and whose it is. */
interface Request {
  line: string;
  right?: Right;
  user?: string;
  /** Whether it is allowed to whoever is known. */
  reply: RegExp;
}

const ACCEPTED = /^\{"status":"accepted"\}$/;
const BALANCE = /^\{"status":"ok","balance":-?\d+\}$/;
const requests: Request[] = [
  ...NAMES.flatMap((user): Request[] => [
    { line: JSON.stringify({ user, action: 'buy', amount: 2 }), right: 'write', user, reply: ACCEPTED },
    {
      line: `{"user":"${user}","action":"sell","amount":1,"wait":true}`,
      right: 'write',
      user,
      reply: BALANCE,
    },
    { line: `{ "user": "${user}", "action": "buy", "amount": 1e0 }`, right: 'write', user, reply: ACCEPTED },
    { line: `{"user":"${user}","action":"buy","amount":1,"min":-9}`, right: 'write', user, reply: BALANCE },
    { line: `{"type":"balance","user":"${user}"}`, right: 'read', user, reply: BALANCE },
    {
      line: `{"type":"transfer","from":"${user}","to":"shop","amount":1}`,
      right: 'transfer',
      user,
      reply: BALANCE,
    },
  ]),
  { line: '{"type":"metrics"}', right: 'read', reply: /^\{"received":/ },
  { line: '{"type":"metrics","detail":true}', right: 'read', reply: /^\{"received":.*"ids":/ },
  { line: '{"type":"health"}', reply: /^\{"status":"ok"\}$/ },
  { line: '{"type":"debug","do":"nothing"}', right: 'admin', reply: /"(?:unknown_type|invalid_event)"/ },
  { line: '{"type":"nothing"}', reply: /"unknown_type"/ },
  { line: '{"user":', reply: /"invalid_json"/ },
  { line: '{"user":"alice"}', reply: /"invalid_event"/ },
  { line: `{"user":"${'x'.repeat(17_000)}"}`, reply: /"line_too_long"/ },
];

function isCovered(users: string, user: string): boolean {
  if (users === '*') return true;
  return users.endsWith('*') ? user.startsWith(users.slice(0, -1)) : users === user;
}

function expected({ may, users }: Holder, { right, user }: Request): RegExp | string | undefined {
  if (right !== undefined && !may.includes(right)) return FORBIDDEN;
  return user === undefined || isCovered(users, user) ? undefined : FORBIDDEN;
}

let dir: string;
let server: RunningServer;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tally-rights-'));
  const tokens = holders.map(({ token, may, users }, at) =>
    JSON.stringify({
      name: `holder-${at}`,
      sha256: createHash('sha256').update(token).digest('hex'),
      may,
      users: [users],
    }),
  );
  writeFileSync(join(dir, 'tokens'), `${tokens.join('\n')}\n`);
  server = await startServer(['--tokens', join(dir, 'tokens')]);
});

afterAll(async () => {
  await server.stop();
  rmSync(dir, { recursive: true });
});

const auth = (token: string) => JSON.stringify({ type: 'auth', token });
const speak = async (lines: string[]) => say(await open({ host: '127.0.0.1', port: server.port }), lines);

test('every right, request and user: done or refused as the rules say', async () => {
  let cells = 0;
  const wrong: string[] = [];
  for (const holder of holders) {
    const [first, ...replies] = await speak([auth(holder.token), ...requests.map(({ line }) => line)]);
    expect(first).toBe('{"status":"ok"}');
    expect(replies).toHaveLength(requests.length);
    for (const [at, request] of requests.entries()) {
      cells += 1;
      const right = expected(holder, request) ?? request.reply;
      const isRight = typeof right === 'string' ? replies[at] === right : right.test(replies[at]!);
      if (!isRight)
        wrong.push(`${holder.may} of ${holder.users}: ${request.line.slice(0, 80)}: ${replies[at]}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(cells).toBe(60 * requests.length);
});

test('nobody who is not known has anything done but health, and what was refused has no effect', async () => {
  const replies = await speak(requests.map(({ line }) => line));
  const right = requests.map(({ line }) => (line.includes('health') ? '{"status":"ok"}' : UNAUTHORIZED));
  expect(replies).toEqual(right);
  const [, , before] = await speak([auth(holders.at(-4)!.token), '{"type":"health"}', '{"type":"metrics"}']);
  await speak(requests.map(({ line }) => line));
  const [, , after] = await speak([auth(holders.at(-4)!.token), '{"type":"health"}', '{"type":"metrics"}']);
  expect(after).toBe(before);
});

test('a wrong token changes nothing, and ten of them in a row end the connection', async () => {
  const { token } = holders.find(({ may, users }) => may.length === 4 && users === '*')!;
  const wrong = auth(`${token.slice(0, -1)}y`);
  const event = '{"user":"once","action":"buy","amount":1,"wait":true}';
  const few = await speak([
    auth(token),
    ...Array(9).fill(wrong),
    event,
    auth(token),
    ...Array(9).fill(wrong),
    event,
  ]);
  expect(few.filter(reply => reply === UNAUTHORIZED)).toHaveLength(18);
  expect(few.filter(reply => BALANCE.test(reply))).toHaveLength(2);
  const many = await speak([...Array(20).fill(wrong), auth(token), event]);
  expect(many).toEqual(Array(10).fill(UNAUTHORIZED));
});

test('what is no token is no event, and nothing that was presented is in the log', async () => {
  const twice = '{"type":"auth","token":"a","token":"b"}';
  for (const line of ['{"type":"auth"}', '{"type":"auth","token":""}', '{"type":"auth","token":7}', twice])
    expect(await speak([line])).toEqual(['{"status":"error","reason":"invalid_event"}']);
  const secret = 'tally_this-was-typed-by-mistake-0123456789abcdefghij';
  expect(await speak([auth(secret)])).toEqual([UNAUTHORIZED]);
  const log = JSON.stringify(server.events);
  expect(log).toContain('"authenticated"');
  expect(log).toContain('"unauthorized"');
  for (const { token } of holders) expect(log).not.toContain(token);
  expect(log).not.toContain(secret);
  expect(log).not.toContain(readFileSync(join(dir, 'tokens'), 'utf8').match(/[0-9a-f]{64}/)![0]);
});

test('who does not say in time who it is, is closed', async () => {
  const hasty = await startServer(['--tokens', join(dir, 'tokens'), '--auth-ms-max', '150']);
  const known = await open({ host: '127.0.0.1', port: hasty.port });
  known.write(`${auth(holders[0]!.token)}\n`);
  const startedAtMs = performance.now();
  const stranger = await open({ host: '127.0.0.1', port: hasty.port });
  stranger.write('{"type":"health"}\n');
  await new Promise(resolve => stranger.resume().on('end', resolve));
  expect(performance.now() - startedAtMs).toBeGreaterThan(140);
  expect(await say(known, ['{"type":"health"}'])).toEqual(['{"status":"ok"}', '{"status":"ok"}']);
  await hasty.stop();
});

test('certificates, tokens, rights and limits change under load, and nobody notices who may stay', async () => {
  const found = await changeSecurityUnderLoad(25);
  expect(found).toMatchObject({ reloads: 25, wronglyEnded: 0, wronglyAccepted: 0 });
  expect(found.accepted).toBeGreaterThan(0);
});
