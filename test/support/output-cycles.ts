/**
 * The server is stopped while its output is as bad as can be, again and again. Nothing may hold up its end: not beyond
 * the hard limit, nor after a second signal. What is only slow must have said everything.
 */
import { expect } from 'vitest';
import { Client } from '../../src/tools/harness/client.ts';
import { freePort, isListening } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { ACCEPTED, buyLine } from './asking.ts';
import { type Hindered, hasEnded, OUTPUTS, type OutputKind } from './outputs.ts';
import { CLI } from './server.ts';

/** The hard limit of these servers. Their stages take 150 ms at most. */
export const LIMIT_MS = 2_000;
const STAGES = [
  '--drain-ms-min',
  '0',
  '--drain-ms-max',
  '100',
  '--grace-ms-max',
  '50',
  '--join-ms-max',
  '300',
];
const HOUR_MS = 3_600_000;
const START_MS_MAX = 60_000;
const END_MS_MAX = 60_000;

export interface OutputFigures {
  /** From the signal to the exit. */
  exitMs: number[];
  wrongExits: number;
  /** The last line was read. */
  ledgersRead: number;
}

/** `isTwice`: there is no hard limit that counts, but a second signal. */
export async function stopWithOutput(
  kind: OutputKind,
  cycles: number,
  { isTwice = false, atATime = 1, onCycle = () => {} } = {},
): Promise<OutputFigures> {
  const figures: OutputFigures = { exitMs: [], wrongExits: 0, ledgersRead: 0 };
  let left = cycles;
  const lane = async () => {
    while (left-- > 0) {
      await stopOnce(kind, isTwice, figures);
      onCycle();
    }
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return figures;
}

async function stopOnce(kind: OutputKind, isTwice: boolean, figures: OutputFigures): Promise<void> {
  const port = await freePort();
  const limitMs = isTwice ? HOUR_MS : LIMIT_MS;
  const flags = [
    ...STAGES,
    '--log-format',
    'json',
    '--port',
    String(port),
    '--shutdown-ms-max',
    String(limitMs),
  ];
  const server: Hindered = await OUTPUTS[kind]([process.execPath, CLI, 'serve', ...flags]);
  try {
    await until(() => isListening('127.0.0.1', port), 'the server to listen', START_MS_MAX);
    await server.worsen();
    const client = await Client.open(port);
    expect(await client.ask(buyLine('alice', 1))).toBe(ACCEPTED);
    client.close();
    const startMs = performance.now();
    process.kill(server.pid, 'SIGTERM');
    // The listener is closed at once; so the second one is a second one.
    if (isTwice) {
      await until(async () => !(await isListening('127.0.0.1', port)), 'the first signal to arrive');
      process.kill(server.pid, 'SIGINT');
    }
    const relenting = server.relent();
    await until(() => hasEnded(server.pid), 'the server to end', END_MS_MAX);
    figures.exitMs.push(performance.now() - startMs);
    const exitCode = await server.exitCode;
    await relenting;
    // A second signal that comes while only the output is waited for changes nothing of the ledger.
    if (exitCode !== 0 && !(isTwice && exitCode === 130)) figures.wrongExits += 1;
    if (server.text().includes('"stopped"')) figures.ledgersRead += 1;
  } finally {
    server.end();
  }
}
