/** Servers that lie, and what a command says of them within which time and memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { residentKiBOf } from '../../src/tools/harness/memory.ts';
import { start } from '../../src/tools/harness/process.ts';
import { CLI } from '../support/server.ts';
import { CLI_ENVIRONMENT, serverFile } from './check-run.ts';

export const LIES = [
  'mute',
  'is-slow',
  'is-stopped',
  'ignores-signals',
  'hangs-up-at-once',
  'hangs-up-midway',
  'floods',
  'says-a-line-without-end',
  'trickles-without-end',
  'prints-without-end',
  'says-garbage',
  'says-wrong-types',
  'says-everything-twice',
  'has-no-balances',
  'changes-balances',
] as const;

export type Lie = (typeof LIES)[number];

export const liar = (lie: Lie) => `node ${serverFile('liar.mjs')} ${lie}`;

const LOOK_MS = 50;

export interface Outcome {
  exitCode: number | null;
  stdout: string;
  stderr: string;
  elapsedMs: number;
  /** The most that was seen resident; undefined where there is no /proc. */
  residentMiB: number | undefined;
}

/** `tally` with these arguments, on a server that lies. Stopped when the time is over; then there is no exit code. */
export async function outcome(args: string[], lie: Lie, limitMs: number): Promise<Outcome> {
  const startMs = performance.now();
  let stdout = '';
  const command = start({
    name: args.join(' '),
    program: process.execPath,
    args: [CLI, ...args, '--cmd', liar(lie)],
    env: CLI_ENVIRONMENT as Record<string, string>,
    onLine: line => {
      stdout += `${line}\n`;
    },
  });
  let residentKiB: number | undefined;
  while (!command.hasEnded && performance.now() - startMs < limitMs) {
    const kiB = residentKiBOf(command.pid!);
    if (kiB !== undefined) residentKiB = Math.max(residentKiB ?? 0, kiB);
    await Promise.race([command.ended, sleep(LOOK_MS)]);
  }
  await command.stop();
  const { exitCode } = await command.ended;
  const elapsedMs = performance.now() - startMs;
  const residentMiB = residentKiB === undefined ? undefined : Math.round(residentKiB / 1_024);
  return { exitCode, stdout, stderr: command.errors(), elapsedMs, residentMiB };
}
