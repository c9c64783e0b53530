/**
 * Certificates, tokens, rights and limits change again and again under load. Who may stay must not notice; who may not
 * must be ended, or refused, within a second of the reload; and the money must be exact.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { randomFrom } from '../../src/tools/load/random.ts';
import { Authority } from './certificates.ts';
import { Configured } from './configured.ts';
import { pickSeed } from './load.ts';
import { open, openTls, say } from './speaking.ts';

/** How long a right may still be used that is gone. */
const WRONG_MS_MAX = 1_000;
const STAYING = 4;
const CHANGING = 6;
const OK = '{"status":"ok"}';
const ACCEPTED = '{"status":"accepted"}';
const FORBIDDEN = '{"status":"error","reason":"forbidden"}';

export interface SecurityFigures {
  reloads: number;
  refused: number;
  accepted: number;
  /** Events that a client was refused because it may not write for the user any more. */
  forbidden: number;
  /** Connections that were ended because their token was revoked, and those that should not have been. */
  ended: number;
  wronglyEnded: number;
  /** Accepted after the right was gone for a second. */
  wronglyAccepted: number;
  /** How long after the log's line a right that was gone was used last, at most. */
  longestMs: number;
}

/** One that sends an event, waits for its reply, and sends the next. */
class Sender {
  accepted = 0;
  forbidden = 0;
  isEnded = false;
  isOver = false;
  /** When it may not write any more; Infinity: it may. */
  goneAtMs = Number.POSITIVE_INFINITY;
  longestMs = 0;
  readonly user: string;
  readonly done: Promise<void>;
  readonly #socket: Socket;

  constructor(socket: Socket, token: string, user: string) {
    this.#socket = socket;
    this.user = user;
    this.done = this.#run(token);
  }

  async #run(token: string): Promise<void> {
    let text = '';
    this.#socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      this.#socket.emit('heard');
    });
    this.#socket.on('error', () => {}).on('close', () => this.#socket.emit('heard'));
    this.#socket.on('end', () => this.#socket.end());
    const ask = async (line: string): Promise<string | undefined> => {
      this.#socket.write(`${line}\n`);
      while (!text.includes('\n')) {
        if (this.#socket.closed || this.#socket.readableEnded) return undefined;
        await once(this.#socket, 'heard');
      }
      const end = text.indexOf('\n');
      const reply = text.slice(0, end);
      text = text.slice(end + 1);
      return reply;
    };
    expect(await ask(JSON.stringify({ type: 'auth', token }))).toBe(OK);
    const event = `{"user":"${this.user}","action":"buy","amount":1}`;
    while (!this.isOver) {
      const reply = await ask(event);
      if (reply === undefined) {
        this.isEnded = true;
        return;
      }
      if (reply === ACCEPTED) {
        this.accepted += 1;
        this.longestMs = Math.max(this.longestMs, performance.now() - this.goneAtMs);
      } else {
        expect(reply).toBe(FORBIDDEN);
        this.forbidden += 1;
        await sleep(5);
      }
    }
    this.#socket.destroy();
  }
}

export async function changeSecurityUnderLoad(
  reloads: number,
  onReload: (done: number) => void = () => {},
): Promise<SecurityFigures> {
  const seed = pickSeed();
  const random = randomFrom(seed);
  const dir = mkdtempSync(join(tmpdir(), 'tally-security-'));
  const authority = new Authority();
  const certificates = [authority.issue('localhost'), authority.issue('localhost')];
  const at = (name: string) => join(dir, name);
  const use = (index: number) => {
    copyFileSync(certificates[index]!.cert, at('cert.pem'));
    copyFileSync(certificates[index]!.key, at('key.pem'));
  };
  const tokenOf = (name: string) => `tally_${name}-`.padEnd(49, 'z');
  const entry = (name: string, users: string[]) =>
    `${JSON.stringify({ name, sha256: createHash('sha256').update(tokenOf(name)).digest('hex'), may: ['write', 'read'], users })}\n`;
  const staying = Array.from({ length: STAYING }, (_, index) => `staying-${index}`);
  const changing = Array.from({ length: CHANGING }, (_, index) => `changing-${index}`);
  /** What each changing one may do: write for its user, for another one, or nothing. */
  const may = new Map(changing.map(name => [name, 'its' as 'its' | 'other' | 'nothing']));
  const writeTokens = () => {
    const entries = [...staying, 'reader'].map(name => entry(name, ['*']));
    for (const [name, what] of may)
      if (what !== 'nothing') entries.push(entry(name, [what === 'its' ? `${name}*` : 'other']));
    writeFileSync(at('tokens'), entries.join(''));
  };
  use(0);
  writeTokens();
  const flags = ['--tls-cert', at('cert.pem'), '--tls-key', at('key.pem'), '--tokens', at('tokens')];
  const configured = await Configured.start(at('tally.toml'), '', [
    ...flags,
    '--listen',
    'tcp://127.0.0.1:0',
  ]);
  const { server } = configured;
  const plain = Number((server.events[0] as { addresses: string[] }).addresses[1]!.split(':').at(-1));
  const ca = authority.read(authority.ca);
  const connect = async (index: number) =>
    index % 2 === 0 ? openTls({ port: server.port, ca }) : open({ host: '127.0.0.1', port: plain });
  const figures: SecurityFigures = {
    ...{ reloads, refused: 0, accepted: 0, forbidden: 0, ended: 0, wronglyEnded: 0, wronglyAccepted: 0 },
    longestMs: 0,
  };
  const all: Sender[] = [];
  const begin = async (name: string, index: number) => {
    const sender = new Sender(await connect(index), tokenOf(name), name);
    all.push(sender);
    return sender;
  };
  const stay = await Promise.all(staying.map(begin));
  const now = new Map<string, Sender>();
  for (const [index, name] of changing.entries()) now.set(name, await begin(name, index));

  for (let done = 1; done <= reloads; done++) {
    const name = changing[Math.floor(random() * CHANGING)]!;
    const before = may.get(name)!;
    const kinds = (['its', 'other', 'nothing'] as const).filter(what => what !== before);
    may.set(name, kinds[Math.floor(random() * 2)]!);
    writeTokens();
    use(done % 2);
    const isBroken = random() < 0.2;
    const rate = [0, 1_000_000][done % 2];
    if (isBroken && random() < 0.5) writeFileSync(at('cert.pem'), 'broken');
    else if (isBroken) writeFileSync(at('tokens'), '{"name":"half');
    const sender = now.get(name)!;
    const { goneAtMs } = sender;
    // It may be taken before we hear of it.
    if (may.get(name) === 'its') sender.goneAtMs = Number.POSITIVE_INFINITY;
    const said = await configured.reload(`rate-user = ${rate}\nrate-connection = ${rate}\n`);
    expect(said.event, `${seed}: ${JSON.stringify(said)}`).toBe(isBroken ? 'reload_failed' : 'reloaded');
    onReload(done);
    if (isBroken) {
      figures.refused += 1;
      may.set(name, before);
      sender.goneAtMs = goneAtMs;
      continue;
    }
    if (may.get(name) !== 'its') sender.goneAtMs = performance.now();
    if (may.get(name) === 'nothing') {
      await Promise.race([sender.done, sleep(WRONG_MS_MAX)]);
      expect(sender.isEnded, `${seed}: ${name} goes on without a token`).toBe(true);
      figures.ended += 1;
    } else if (before === 'nothing') {
      now.set(name, await begin(name, done));
      now.get(name)!.goneAtMs = sender.goneAtMs;
    }
    figures.wronglyEnded += stay.filter(({ isEnded }) => isEnded).length;
  }

  for (const sender of all) sender.isOver = true;
  await Promise.all(all.map(({ done }) => done));
  const wanted = new Map<string, number>();
  for (const { user, accepted, forbidden, longestMs } of all) {
    wanted.set(user, (wanted.get(user) ?? 0) + accepted);
    figures.accepted += accepted;
    figures.forbidden += forbidden;
    figures.longestMs = Math.max(figures.longestMs, longestMs);
    if (longestMs > WRONG_MS_MAX) figures.wronglyAccepted += 1;
  }
  // The last event of a client that was ended may have been accepted without its knowing.
  const ended = all.filter(({ isEnded }) => isEnded);
  const lines = [...wanted.keys()].map(user => JSON.stringify({ type: 'balance', user }));
  const auth = JSON.stringify({ type: 'auth', token: tokenOf('reader') });
  const [, ...balances] = await say(await open({ host: '127.0.0.1', port: plain }), [auth, ...lines]);
  for (const [index, [user, accepted]] of [...wanted].entries()) {
    const { balance } = JSON.parse(balances[index]!) as { balance: number };
    const unknown = ended.filter(sender => sender.user === user).length;
    expect(balance, `${seed}: ${user}`).toBeGreaterThanOrEqual(accepted);
    expect(balance, `${seed}: ${user}`).toBeLessThanOrEqual(accepted + unknown);
  }
  const { ledger } = await server.stop();
  expect(ledger).toMatchObject({ exitCode: 0, lost: 0, lateWakes: 0 });
  for (const folder of [dir, authority.dir]) rmSync(folder, { recursive: true });
  return figures;
}
