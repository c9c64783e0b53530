/** The files to run it elsewhere with: the Dockerfile, the unit, and what the package has. test/long/deploy.test.ts and systemd.test.ts do what they say. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadSettings, readSettings } from '../../src/config/read.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { CLI } from '../support/server.ts';
import { lastOf, readDockerfile, wantedIn, wordsOf } from './dockerfile.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const MS = 1_000;

describe('the Dockerfile', () => {
  const stages = readDockerfile(read('Dockerfile'));
  const [build, image] = [stages[0]!, stages.at(-1)!];

  test('copies what is there, and what .dockerignore lets through', () => {
    const wanted = wantedIn(read('.dockerignore'));
    const copied = build.instructions
      .filter(({ name }) => name === 'COPY')
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
    expect(copied.sort()).toEqual(wanted.sort());
    expect(copied.filter(path => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('ends in an image that is not of root, gets its signals itself, and says whether it is well', () => {
    expect(lastOf(image, 'USER')).toBe('node');
    expect(lastOf(image, 'STOPSIGNAL')).toBe('SIGTERM');
    expect(wordsOf(lastOf(image, 'ENTRYPOINT'))[0]).toBe('node');
    expect(wordsOf(lastOf(image, 'HEALTHCHECK')).slice(0, 2)).toEqual(['node', '-e']);
    expect(lastOf(image, 'EXPOSE')).toBe(String(SETTINGS.port.default));
  });

  test('gives only variables that are settings', () => {
    const variables = lastOf(image, 'ENV')
      .split(' ')
      .map(word => word.split('=') as [string, string]);
    const settings = readSettings([], Object.fromEntries(variables));
    expect(settings).toMatchObject({ host: '0.0.0.0', httpHost: '0.0.0.0', http: -1 });
    expect(variables).toHaveLength(3);
  });

  test('is read as Docker reads it', () => {
    const text =
      '# c\nFROM a AS b\n# c\nRUN x && \\\n  y\nCOPY --from=b /c --d=e /f/\nHEALTHCHECK --timeout=3s CMD ["g"]\n';
    expect(readDockerfile(text)).toEqual([
      {
        image: 'a',
        name: 'b',
        instructions: [
          { name: 'RUN', flags: {}, rest: 'x &&    y' },
          { name: 'COPY', flags: { from: 'b' }, rest: '/c --d=e /f/' },
          { name: 'HEALTHCHECK', flags: { timeout: '3s' }, rest: 'CMD ["g"]' },
        ],
      },
    ]);
    expect(() => readDockerfile('FROM a\nsrc\n')).toThrow('no instruction: src');
    expect(() => wantedIn('node_modules\n')).toThrow('.dockerignore');
  });
});

describe('the unit for systemd', () => {
  const unit = read('docs/deploy/tally.service');
  const valueIn = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1];

  test('agrees with the server about its end and its descriptors', () => {
    expect(Number(valueIn('TimeoutStopSec')) * MS).toBeGreaterThan(SETTINGS.shutdownMsMax.default as number);
    expect(valueIn('KillSignal')).toBe('SIGTERM');
    expect(valueIn('RestartPreventExitStatus')).toBe('2');
    expect(valueIn('ExecReload')).toBe('/bin/kill -HUP $MAINPID');
    const machine = { cores: 65, memoryBytes: 2 ** 40, descriptors: Number(valueIn('LimitNOFILE')) };
    expect(readSettings(['--http', '0', '--workers', '64'], {}, machine).connectionsMax).toBe(
      SETTINGS.connectionsMax.default,
    );
  });

  test('systemd understands every line of it', context => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) {
      console.warn('skipped: there is no systemd-analyze here to verify the unit with');
      context.skip();
    }
    const verify = (text: string) => {
      const folder = mkdtempSync(join(tmpdir(), 'tally-unit-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'tally.service');
      writeFileSync(file, text.replace('/usr/local/bin/tally', CLI));
      const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
      return `${status} ${stdout}${stderr}`;
    };
    expect(verify(unit)).toBe('0 ');
    expect(verify(unit.replace('KillMode', 'KillMod'))).toMatch(/Unknown key.* 'KillMod'/);
  });
});

test('the file of settings to begin with is right, and says truly what a reload changes', async () => {
  const { settings, given } = await loadSettings(['--config', join(ROOT, 'docs/deploy/tally.toml')], {});
  const inFile = [...given].filter(([, { place }]) => place !== undefined);
  for (const [key, { value }] of inFile) expect(settings[key]).toBe(value);
  const [above = '', below = ''] = read('docs/deploy/tally.toml').split(
    '# A reload (SIGHUP) changes what follows',
  );
  const namesIn = (text: string) => [...text.matchAll(/^([\w-]+) = /gm)].map(([, name]) => name);
  const named = (mayChange: boolean) =>
    inFile.filter(([key]) => SETTINGS[key].mayChange === mayChange).map(([, { name }]) => name);
  expect([namesIn(above), namesIn(below)]).toEqual([named(false), named(true)]);
  expect(inFile.length).toBeGreaterThan(6);
});

test('the package has what its command needs, and a command', () => {
  const { bin, files, scripts } = JSON.parse(read('package.json')) as {
    bin: Record<string, string>;
    files: string[];
    scripts: Record<string, string>;
  };
  const command = bin.tally!;
  expect(scripts.start).toContain(command);
  expect(files.some(folder => command.startsWith(`${folder}/`))).toBe(true);
  expect(read(command)).toMatch(/^#!\/usr\/bin\/env -S node --max-semi-space-size=1\n/);
});
