/** The corpus: its verdicts are the oracle's, the judges', and the bytes that the real server answers. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { makeCorpus } from '../corpus/make.ts';
import { complaintOf, type Entry, LINE_BYTES_MAX, lineOf, readCorpus } from '../corpus/read.ts';
import { foundLine, readFound } from '../fuzz/found.ts';
import { ACCEPTED, okLine } from '../support/asking.ts';
import { Subject } from '../support/oracle.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const CORPUS = new URL('../corpus/', import.meta.url);
const corpus = readCorpus();
const { entries } = corpus;
const subject = new Subject(LINE_BYTES_MAX + 2);
const error = (reason: string) => `{"status":"error","reason":"${reason}"}`;
const labelOf = ({ group, name }: Entry) => `${group}: ${name}`;

describe('the file', () => {
  test('is what its makers make', () => {
    expect(corpus).toEqual(makeCorpus());
  });

  test('has hundreds of entries, each with a name of its own, a reason and a line', () => {
    expect(entries.length).toBeGreaterThanOrEqual(300);
    expect(new Set(entries.map(labelOf)).size).toBe(entries.length);
    for (const entry of entries) {
      expect(entry.why.length, labelOf(entry)).toBeGreaterThan(2);
      const forms = [entry.text, entry.hex, entry.parts].filter(form => form !== undefined);
      expect(forms.length, labelOf(entry)).toBe(1);
      expect(lineOf(entry).includes(0x0a), labelOf(entry)).toBe(false);
    }
  });

  test('has every verdict, and events beside errors in most groups', () => {
    const verdicts = new Set(entries.map(({ verdict }) => verdict));
    // biome-ignore format: a list
    expect([...verdicts].sort()).toEqual(
      ['balance', 'event', 'health', 'invalid_event', 'invalid_json', 'line_too_long', 'metrics', 'unknown_type'],
    );
  });
});

describe('the verdicts', () => {
  test('are what the oracle says', () => {
    const complaints = entries.map(entry => [labelOf(entry), complaintOf(entry)]);
    expect(complaints.filter(([, complaint]) => complaint !== undefined)).toEqual([]);
  });

  test('are what both judges say, wherever a line lies', () => {
    for (const entry of entries) {
      const line = lineOf(entry);
      if (line.length > LINE_BYTES_MAX) continue;
      for (const shift of line.length < 1_000 ? [0, 1, 2, 3] : [0]) {
        const wide = shift === 0 ? subject : shifted;
        expect(wide.complaint(line, wide.buffer.start + shift), labelOf(entry)).toBeUndefined();
      }
    }
  });

  test('of the lines that were found are what oracle and judges say', () => {
    const { lines } = readFound();
    expect(lines.length).toBeGreaterThan(0);
    for (const found of lines) {
      const line = Buffer.from(found.hex, 'hex');
      expect(found).toEqual(foundLine(line, found.why));
      expect(subject.complaint(line), found.why).toBeUndefined();
    }
  });
});
const shifted = new Subject(1_000 + 8);

describe('over one connection', () => {
  let server: RunningServer;
  let folder: string;
  beforeAll(async () => {
    server = await startServer(['--line-bytes-max', String(LINE_BYTES_MAX)]);
    folder = mkdtempSync(join(tmpdir(), 'tally-corpus-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  test('the server answers each line as the file says, and the users are those of the file', async () => {
    const balances = new Map<string, number>();
    const expected = entries.map(entry => replyTo(entry, balances));
    const users = [...balances].filter(([, balance]) => balance !== 0);
    const questions = users.map(([hex]) => {
      const user = Buffer.from(hex, 'hex').toString();
      return JSON.stringify({ type: 'balance', user });
    });
    const client = await Client.open(server.port);
    const lines = [...entries.map(lineOf), ...questions.map(question => Buffer.from(question))];
    client.send(Buffer.concat(lines.flatMap(line => [line, Buffer.from('\n')])));
    const replies = (await client.finish()).split('\n');
    expect(replies.pop()).toBe('');
    const got = replies.map(reply => reply.replace(/:\d+,"processed":\d+,"dropped":\d+(,.*)?\}$/, ':N$1}'));
    for (const [index, entry] of entries.entries())
      if (entry.verdict === 'metrics') got[index] = got[index]!.replace(/,.*/, ',…');
    const wrong = entries.flatMap((entry, index) =>
      got[index] === expected[index] ? [] : [`${labelOf(entry)}: ${got[index]}, not ${expected[index]}`],
    );
    expect(wrong).toEqual([]);
    expect(got.slice(entries.length)).toEqual(users.map(([, balance]) => okLine(balance)));
  });

  test('the example of the README finds nothing wrong with a server that was just started', async () => {
    const fresh = await startServer();
    try {
      const { stdout } = await check(fresh.port);
      expect(stdout).toBe(`${entries.length} replies to ${entries.length} lines, 0 of them wrong\n`);
    } finally {
      await fresh.stop();
    }
  });

  test('the example of the README finds what is wrong with one that says that all is well', async () => {
    const liar: Server = createServer({ allowHalfOpen: true }, socket => {
      socket.on('data', chunk => {
        const lines = chunk.filter(byte => byte === 0x0a).length;
        socket.write(`${ACCEPTED}\n`.repeat(lines));
      });
      socket.on('end', () => socket.end());
    });
    await new Promise<void>(resolve => void liar.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = liar.address() as { port: number };
      const failure = (await check(port).catch((error: unknown) => error)) as {
        code: number;
        stdout: string;
      };
      expect(failure.code).toBe(1);
      expect(failure.stdout).toMatch(/^bytes that are no UTF-8: user ff: \{"status":"accepted"\}$/m);
      const right = entries.filter(({ verdict, wait }) => verdict === 'event' && wait === false).length;
      expect(failure.stdout).toMatch(new RegExp(`, ${entries.length - right} of them wrong\n$`));
    } finally {
      liar.close();
    }
  });

  function check(port: number) {
    const example = /```js\n([\s\S]*?)```/.exec(readFileSync(new URL('README.md', CORPUS), 'utf8'))![1]!;
    const file = join(folder, 'check.mjs');
    writeFileSync(file, example);
    const lines = fileURLToPath(new URL('lines.json', CORPUS));
    return promisify(execFile)(process.execPath, [file, lines, String(port)]);
  }
});

/** The reply as the file says it, on a server that knows only what `balances` has. */
function replyTo(
  { verdict, userHex, amount = 0, wait, detail }: Entry,
  balances: Map<string, number>,
): string {
  switch (verdict) {
    case 'event': {
      const balance = (balances.get(userHex!) ?? 0) + amount;
      balances.set(userHex!, balance);
      return wait ? okLine(balance) : ACCEPTED;
    }
    case 'balance':
      return okLine(balances.get(userHex!) ?? 0);
    case 'health':
      return '{"status":"ok"}';
    case 'metrics':
      return detail ? '{"received":N,…' : '{"received":N}';
    default:
      return error(verdict);
  }
}
