/**
 * `tally check 5`, with its pains, passes on a right server in each of four languages that leaves JSON to the usual
 * library of its language, and tells where that library differs. Compilers take their time, so this is a long run; what
 * is not here is left out, and the name of the test says so. (`apt-get install golang-go librust-serde-json-dev`, and a
 * Rust that is not older than the crates.)
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { SILENT } from '../../steps/kit/check/report.ts';
import { runStage } from '../../steps/kit/check/run.ts';
import { stageOf } from '../../steps/kit/check/stages.ts';
import { ofCommand } from '../../steps/kit/server.ts';
import { serverFile, wrong } from '../steps/check-run.ts';

const execute = promisify(execFile);
const place = mkdtempSync(join(tmpdir(), 'tally-languages-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const CRATES = '/usr/share/cargo/registry';
const answers = (program: string, flag: string) => spawnSync(program, [flag]).status === 0;
const SURROGATE = 'half a surrogate pair in a user: invalid_event';
const DIGITS = 'an unknown field with a number of 5000 digits is ignored';
const DEPTH = 'an unknown field of 3000 lists, one in another, is ignored';

interface Language {
  name: string;
  isHere: boolean;
  /** Compiles it where that is needed, and gives the command. */
  build: () => Promise<string>;
  /** The checks in which its library differs. */
  differs: readonly string[];
}

const LANGUAGES: readonly Language[] = [
  { name: 'Node', isHere: true, build: async () => wrong(), differs: [] },
  {
    name: 'Python',
    isHere: answers('python3', '--version'),
    build: async () => `python3 ${serverFile('server.py')}`,
    differs: [DIGITS, DEPTH],
  },
  {
    name: 'Go',
    isHere: answers('go', 'version'),
    build: async () => {
      const program = join(place, 'server-go');
      const env = { ...process.env, GOFLAGS: '', GOCACHE: join(place, 'go') };
      await execute('go', ['build', '-o', program, serverFile('server.go')], { env });
      return program;
    },
    differs: [SURROGATE],
  },
  {
    name: 'Rust',
    isHere: answers('cargo', '--version') && existsSync(CRATES),
    build: async () => {
      const from = ['source.crates-io.replace-with="debian"', `source.debian.directory="${CRATES}"`];
      const cwd = serverFile('rust');
      const flags = ['--offline', '--target-dir', place, ...from.flatMap(line => ['--config', line])];
      await execute('cargo', ['build', ...flags], { cwd });
      rmSync(join(cwd, 'Cargo.lock'), { force: true });
      return join(place, 'debug', 'server');
    },
    differs: [SURROGATE, 'an amount that no double can hold: invalid_event'],
  },
];

for (const { name, isHere, build, differs } of LANGUAGES)
  test.skipIf(!isHere)(
    `check 5 passes a server in ${name}${isHere ? '' : ' (left out: it is not here)'}`,
    async () => {
      const { checks, notRun } = await runStage(stageOf(5), ofCommand(await build()), false, SILENT);
      expect(checks.filter(({ passed }) => !passed)).toEqual([]);
      expect(notRun).toBe(0);
      const told = checks.filter(({ note }) => note !== undefined).map(check => check.name);
      expect(told).toEqual(differs.map(difference => `your JSON library: ${difference}`));
    },
  );
