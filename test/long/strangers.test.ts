/**
 * Ten thousand strangers who never finish a handshake, or never say who they are: those who are known go on being served,
 * and the server stays small. What is measured is kept; how long health took depends on the machine, so a test only asks
 * that nobody waits long.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { Authority } from '../support/certificates.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { startServer } from '../support/server.ts';
import { open } from '../support/speaking.ts';

const STRANGERS = Number(process.env.TALLY_TEST_CLIENTS ?? 10_000);
const STRANGERS_KEPT = 10_000;
const AT_A_TIME = 50;
const STAY_MS = 5_000;
const RSS_MIB_MAX = 150;
const startedAt = new Date();
const measures: ReturnType<typeof figure>[] = [];
const authority = new Authority();
const { cert, key } = authority.issue('localhost');
const tokens = join(authority.dir, 'tokens');
writeFileSync(tokens, '');

afterAll(() => {
  rmSync(authority.dir, { recursive: true });
  if (STRANGERS === STRANGERS_KEPT && measures.length > 0)
    keep('strangers', 'npm run long -- test/long/strangers.test.ts', startedAt, measures);
});

/** The first bytes of a client that means it. */
function clientHello(): Promise<Buffer> {
  return new Promise(resolve => {
    const listening = createServer(socket =>
      socket.once('data', bytes => {
        resolve(bytes);
        socket.destroy();
        listening.close();
      }),
    ).listen(0, '127.0.0.1', () => {
      const { port } = listening.address() as { port: number };
      connectTls({ host: '127.0.0.1', port, servername: 'localhost' }).on('error', () => {});
    });
  });
}

const hello = await clientHello();

test.each([
  ['that say nothing before a handshake', 'tls', ''],
  ['that begin a handshake, and stop', 'tls', hello.subarray(0, 60)],
  ['whose handshake the server has answered, and that stop', 'tls', hello],
  [
    'that ask without saying who they are, and leave a line unfinished',
    'plain',
    '{"type":"balance","user":"a"}\n{"us',
  ],
] as const)('connections %s', { timeout: 120_000 }, async (who, to, says) => {
  const flags = ['--tls-cert', cert, '--tls-key', key, '--tokens', tokens, '--listen', 'tcp://127.0.0.1:0'];
  const server = await startServer([...flags, '--auth-ms-max', '60000']);
  const plain = Number((server.events[0] as { addresses: string[] }).addresses[1]!.split(':').at(-1));
  const known = await open({ host: '127.0.0.1', port: plain });
  const latencies: number[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const startMs = performance.now();
      known.write('{"type":"health"}\n');
      await new Promise(resolve => known.once('data', resolve));
      latencies.push(performance.now() - startMs);
      await sleep(2);
    }
  })();
  const strangers: Socket[] = [];
  for (let index = 0; index < STRANGERS; index++) {
    const socket = connect({ host: '127.0.0.1', port: to === 'tls' ? server.port : plain }, () =>
      socket.write(says),
    );
    socket.on('error', () => {}).resume();
    strangers.push(socket);
    if (index % AT_A_TIME === AT_A_TIME - 1) await sleep(5);
  }
  await sleep(STAY_MS);
  isOver = true;
  await asking;
  const rssMiB =
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'latin1'))![1]) / 1_024;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)]!;
  measures.push(
    figure(`${STRANGERS} ${who}`, 'MiB at most', 'lower', rssMiB),
    figure(`${STRANGERS} ${who}`, 'ms to health, median', 'lower', at(0.5)),
    figure(`${STRANGERS} ${who}`, 'ms to health, p99', 'lower', at(0.99)),
  );
  console.log(
    `${who}: ${rssMiB.toFixed(0)} MiB, health p50 ${at(0.5).toFixed(2)} p99 ${at(0.99).toFixed(1)} ms`,
  );
  expect(rssMiB).toBeLessThan(RSS_MIB_MAX);
  expect(at(0.99)).toBeLessThan(200);
  for (const socket of strangers) socket.destroy();
  known.destroy();
  expect((await server.stop()).exitCode).toBe(0);
});
