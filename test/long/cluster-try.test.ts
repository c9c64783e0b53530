/** `tally cluster try` on a terminal, with keys: servers die and come back, nothing is lost, and nothing is left behind. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { isNatsServerHere } from '../../src/tools/cluster/nats-servers.ts';
import { endsWithUs } from '../../src/tools/harness/process.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { CLI } from '../support/server.ts';

const WAIT_MS_MAX = 90_000;
const areHere = isNatsServerHere() && spawnSync('script', ['--version']).status === 0;
if (!areHere) console.warn('skipped: there is no nats-server or no script (util-linux) here');

const ENV = { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8' };
/** Makes a terminal, and copies its own input and output to it. */
const child = areHere
  ? spawn('script', ['-qfec', `stty rows 40 cols 120; exec node ${CLI} cluster try`, '/dev/null'], {
      env: ENV,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  : undefined;
if (child !== undefined) endsWithUs(child);
afterAll(() => void child?.kill('SIGKILL'));

test.skipIf(!areHere)(
  'keys kill and bring back, and q leaves nothing',
  { timeout: 5 * WAIT_MS_MAX },
  async () => {
    const { stdin, stdout } = child!;
    let all = '';
    stdout.setEncoding('utf8').on('data', text => {
      all += text;
    });
    const exited = once(child!, 'exit');
    /** What is on the screen now. */
    const screen = () => stripVTControlCharacters(all.slice(all.lastIndexOf('\u001b[H')));
    const shows = (what: RegExp) =>
      until(() => what.test(screen()), String(what), WAIT_MS_MAX).catch(error => {
        throw new Error(`${error.message}, but\n${screen()}`);
      });

    await shows(/[1-9][\d,]* checked, all there on every node/);
    const folder = / in (\S+)/.exec(screen())![1]!;
    expect(existsSync(folder)).toBe(true);
    stdin.write('2');
    await shows(/2 node-2 +down/);
    await shows(/all there on 2 of 3 nodes/);
    await shows(/nothing was held up|acknowledgements had stopped for [\d.]+ s/);
    stdin.write('2');
    await shows(/2 node-2 +joining/);
    await shows(/node-2 is back, and has all that it missed/);
    await shows(/all there on every node/);
    stdin.write('a');
    await shows(/kill -9 of n1, which leads \d+ of 4 streams/);
    await shows(/4 n1 +down/);
    await shows(/which leads[\s\S]*(nothing was held up|acknowledgements had stopped)/);
    stdin.write('4');
    await shows(/n1 is back, and well/);
    stdin.write('l');
    await shows(/load +off/);
    await shows(/ 0 under way/);
    const [, acknowledged = ''] = /load +off +([\d,]+) events/.exec(screen())!;
    await shows(new RegExp(`money +${acknowledged} checked, all there on every node`));
    expect(all).not.toContain('WRONG');
    stdin.write('q');
    expect(await exited).toEqual([0, null]);
    expect(existsSync(folder)).toBe(false);
    expect(spawnSync('pgrep', ['-f', folder], { encoding: 'utf8' }).stdout).toBe('');
    // The terminal is as it was, with what was found in its last lines.
    expect(all.slice(all.lastIndexOf('\u001b[?1049l'))).toContain(
      `${acknowledged} events acknowledged, all there on every node`,
    );
  },
);
