/**
 * What it costs to keep strangers out: tokens, limits of rate, and TLS, beside a server without; and Redis with TLS. The same
 * client in C sends the load, through OpenSSL where it has to, and all balances are compared.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../src/tools/harness/client.ts';
import { freePort } from '../../src/tools/harness/server.ts';
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { ratiosTo } from '../ratios.ts';
import { alternate, type Trial } from '../rounds.ts';
import { measureInC, withProgramInC } from './client-in-c.ts';
import type { PeerProcess } from './process.ts';
import { REDIS, redisIfInstalled, type Subject, startRedis, startTally, TALLY } from './subjects.ts';
import { figuresOf, onFresh, planOf, ROUNDS, untilSound } from './trial.ts';

const DEPTHS: Record<Size, number[]> = { small: [16], full: [1, 16, 128] };
/** More than any client here sends. */
const RATE = '10000000';
const LIMITS = ['--rate-connection', '--rate-address', '--rate-user'].flatMap(flag => [flag, RATE]);
const TOKEN = 'tally_of-the-bench'.padEnd(49, '0');

interface Case {
  subject: Subject;
  isTls?: boolean;
  token?: string;
  /** Where the balances are asked for, once it has started. */
  moneyPort?: () => number;
}

export const bench: Bench = {
  name: 'security',
  about: 'Tokens, limits of rate and TLS beside a server without, and Redis with TLS',
  run: (size, say) =>
    withProgramInC('client.c', say, plain =>
      withProgramInC(
        'client.c',
        say,
        async secure => {
          if (plain === undefined || secure === undefined) return [];
          const folder = mkdtempSync(join(tmpdir(), 'tally-bench-security-'));
          try {
            return await run(size, say, { plain, secure }, folder);
          } finally {
            rmSync(folder, { recursive: true, force: true });
          }
        },
        ['-DTLS', '-lssl', '-lcrypto'],
      ),
    ),
};

async function run(
  size: Size,
  say: (line: string) => void,
  programs: { plain: string; secure: string },
  folder: string,
): Promise<Measure[]> {
  const cases = casesIn(folder);
  if ((await redisIfInstalled(say)).length > 0) cases.push({ subject: REDIS }, redisTls(folder));
  const measures: Measure[] = [];
  for (const depth of DEPTHS[size]) {
    say(`depth ${depth}`);
    const trials = cases.map(each => trialOf(programs, each, depth, size, say));
    measures.push(...(await alternate(ROUNDS[size], trials, say)));
  }
  const [without, ...others] = cases.map(({ subject }) => subject.name);
  const ours = others.filter(name => name.startsWith('tally'));
  return [
    ...measures,
    ...ratiosTo(without!, ours, 'µs CPU/event', measures),
    ...ratiosTo('redis, TLS', ['tally, TLS'], 'µs CPU/event', measures),
    ...ratiosTo('redis, TLS', ['tally, TLS'], 'events/s', measures),
  ];
}

function casesIn(folder: string): Case[] {
  const at = (name: string) => join(folder, name);
  const subject = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost';
  execFileSync('openssl', [...subject.split(' '), '-keyout', at('key.pem'), '-out', at('cert.pem')], {
    stdio: 'pipe',
  });
  const sha256 = createHash('sha256').update(TOKEN).digest('hex');
  writeFileSync(
    at('tokens'),
    `${JSON.stringify({ name: 'bench', sha256, may: ['write', 'read'], users: ['*'] })}\n`,
  );
  const tally = (name: string, flags: string[]): Subject => ({
    ...TALLY,
    name,
    start: () => startTally(flags),
  });
  let plainPort = 0;
  const tls: Subject = {
    ...TALLY,
    name: 'tally, TLS',
    start: () =>
      startTally(
        ['--tls-cert', at('cert.pem'), '--tls-key', at('key.pem'), '--listen', 'tcp://127.0.0.1:0'],
        [],
        {
          onEntry({ event, addresses }) {
            if (event === 'listening') plainPort = Number((addresses as string[])[1]!.split(':').at(-1));
          },
        },
      ),
  };
  return [
    { subject: tally('tally', []) },
    { subject: tally('tally, tokens', ['--tokens', at('tokens')]), token: TOKEN },
    { subject: tally('tally, limits of rate', LIMITS) },
    { subject: tls, isTls: true, moneyPort: () => plainPort },
  ];
}

/** It listens on a plain port too, where its balances are asked for. */
function redisTls(folder: string): Case {
  const name = 'redis, TLS';
  let plainPort = 0;
  const start = async (): Promise<PeerProcess> => {
    const port = await freePort();
    const running = await startRedis(name, {
      'tls-port': String(port),
      'tls-cert-file': join(folder, 'cert.pem'),
      'tls-key-file': join(folder, 'key.pem'),
      'tls-auth-clients': 'no',
    });
    plainPort = running.port;
    return { ...running, port };
  };
  return { subject: { ...REDIS, name, start }, isTls: true, moneyPort: () => plainPort };
}

function trialOf(
  { plain, secure }: { plain: string; secure: string },
  { subject, isTls = false, token, moneyPort }: Case,
  depth: number,
  size: Size,
  say: (line: string) => void,
): Trial {
  const load = { subject: subject.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
  // Balances are asked for without a token: where one is needed, we ask ourselves.
  const asked = token === undefined ? subject : { ...subject, keepsMoney: false };
  const once = () =>
    onFresh(subject, async ({ port, cpuSeconds }) => {
      const plan = planOf(port, asked, load, size);
      const doing = { token, moneyPort: moneyPort?.() };
      const measured = await measureInC(isTls ? secure : plain, plan, asked, cpuSeconds, doing);
      if (token !== undefined) await checkBalances(port, token, measured.result.amounts);
      return figuresOf(measured, 'event');
    });
  return { subject: subject.name, condition: `depth ${depth}`, run: () => untilSound(once, say) };
}

async function checkBalances(port: number, token: string, amounts: readonly number[]): Promise<void> {
  const client = await Client.open(port);
  await client.ask(`${JSON.stringify({ type: 'auth', token })}\n`);
  for (const [user, amount] of amounts.entries()) {
    const reply = await client.ask(`{"type":"balance","user":"${DEFAULT_WORK.userPrefix}${user}"}\n`);
    if (reply !== `{"status":"ok","balance":${amount}}`)
      throw new Error(`the money is wrong: user ${user} has ${reply}, not ${amount}`);
  }
  client.close();
}
