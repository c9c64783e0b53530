/**
 * The documents say what the code does: settings, replies and metrics are compared with their sources. Their links
 * and their commands have tests of their own, in test/docs.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesUnder } from '../bench/structure/tree.ts';
import { readSettings } from '../src/config/read.ts';
import { flagOf, SETTINGS, type Settings, variableOf } from '../src/config/settings.ts';
import { Log } from '../src/log.ts';
import { CLUSTER_FIELDS } from '../src/metrics/cluster.ts';
import { Reply, replyLine } from '../src/protocol/replies.ts';
import { assemble } from '../src/server/assemble.ts';
import { FLAG_NAMES } from '../src/tools/load/flags.ts';
import { ENGINES, settingOf } from '../steps/lesson-kit/engines/engines.ts';
import { LESSONS } from '../steps/lesson-kit/lessons.ts';
import { takenBy } from '../steps/lesson-kit/run.ts';
import { allPages, ROOT } from './docs/pages.ts';
import { runCli, startServer } from './support/server.ts';

const KEYS = Object.keys(SETTINGS) as (keyof Settings)[];

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const documents = allPages();

test('every event of the log has its row, and every row its event', () => {
  const written = filesUnder('src').flatMap(({ text }) => [
    ...text.matchAll(/\blog\.(?:error|warn|info|debug|note|announce)\(\s*'(\w+)'|#write\('\w+', '(\w+)'/g),
  ]);
  const [, rows = ''] = read('docs/operations.md').split('| event | level | fields |');
  const documented = [...rows.split('\n\n')[0]!.matchAll(/^\| `(\w+)`/gm)];
  const names = (matches: RegExpExecArray[]) =>
    [...new Set(matches.map(match => match[1] ?? match[2]))].sort();
  expect(names(written).length).toBeGreaterThan(10);
  expect(names(documented)).toEqual(names(written));
});

describe('settings', () => {
  const table = read('docs/operations.md')
    .split('\n')
    .filter(line => line.startsWith('| `--'));

  /** How many cores there are is no default to write down. */
  const defaultOf = (key: keyof Settings) =>
    key === 'workers'
      ? 'cores − 1, from 1 to 64'
      : SETTINGS[key].default === ''
        ? 'none'
        : `\`${SETTINGS[key].default}\``;

  function rangeOf(key: keyof Settings): string {
    const setting = SETTINGS[key];
    switch (setting.is) {
      case 'integer':
        return `${setting.min} to ${setting.max}`;
      case 'choice':
        return setting.choices.map(choice => `\`${choice}\``).join(', ');
      case 'switch':
        return '`true`, `false`';
      case 'text':
        return setting.form;
    }
  }

  test('each has its row: flag, variable, default, range, meaning', () => {
    const rows = KEYS.map(
      key =>
        `| \`${flagOf(key)}\` | \`${variableOf(key)}\` | ${defaultOf(key)} | ${rangeOf(key)} | ${SETTINGS[key].help} |`,
    );
    expect(table).toEqual(rows);
  });

  test('no document names a flag or a variable that is not there', () => {
    const known = new Set([
      ...KEYS.flatMap(key => [flagOf(key), variableOf(key)]),
      ...FLAG_NAMES,
      // The benches' own.
      ...['--help', '--version', '--list', '--small', '--out', '--build', '--redraw', 'TALLY_SOAK_MINUTES'],
      // The long tests' own.
      'TALLY_TEST_CYCLES',
      // The journal's.
      ...['--at', '--until'],
      // Those of tokens.
      ...['--tokens', '--name', '--may', '--expires', '--certificate'],
      // Those of administration, and what is no flag.
      ...['--prefix', '--after', '--limit', '--token', 'TALLY_TOKEN'],
      // The path's.
      ...['--all', '--times', '--cmd', '--connect', '--step', '--watch', '--reset', '--stat'],
      ...['--every-run', '--runs-max', '--entries'],
      ...LESSONS.flatMap(lesson => [...takenBy(lesson).keys()]),
      ...Object.values(ENGINES).map(({ name }) => `--${settingOf(name)}`),
      // The last one is an example of a companion's.
      ...['--right', '--way', '--lessons', '--database-url'],
      ...[
        '--quick',
        '--strict',
        '--predict',
        '--hint',
        '--markdown',
        '--gh',
        '--repo',
        '--label',
        '--tally',
        '--base',
      ],
    ]);
    const unknown = documents.flatMap(({ path, text }) => {
      const variables = text.match(/\bTALLY_[A-Z_]*[A-Z]\b/g) ?? [];
      // In code spans that hold a flag and nothing but its value: other programs' flags stand with their names.
      const flags = [...text.matchAll(/`(--[a-z-]+)(?: [^`]*)?`/g)].map(match => match[1]!);
      return [...variables, ...flags].filter(name => !known.has(name)).map(name => `${path}: ${name}`);
    });
    expect(unknown).toEqual([]);
  });
});

describe('the protocol', () => {
  const protocol = read('docs/protocol.md');
  /** In the first column of the tables of a section. */
  const fieldsIn = (section: string) =>
    protocol
      .split(`## ${section}`)[1]!
      .split('\n## ')[0]!
      .split('\n')
      .filter(line => line.startsWith('| `'))
      .flatMap(line => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(match => match[1]!));

  test('every fixed reply is there, byte for byte', () => {
    const lines = Object.values(Reply).map(reply => replyLine(reply).toString().trimEnd());
    expect(lines.filter(line => !protocol.includes(`\`${line}\``))).toEqual([]);
  });

  test('every field of the metrics in detail is there, and no other', () => {
    const settings = readSettings(['--workers', '2', '--ring', '8', '--users', '8'], {});
    const { sessions } = assemble(settings, new Log(settings, process.stdout));
    const detail = sessions.metrics.snapshot();
    const fields = Object.entries(detail).flatMap(([name, value]) =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? [name, ...Object.keys(value).map(inner => `${name}.${inner}`)]
        : [name],
    );
    expect(fieldsIn('Metrics in detail').sort()).toEqual(fields.sort());
  });

  test('so is every field of the metrics of a node', () => {
    const fields = [...Object.keys(CLUSTER_FIELDS), 'ack_times'];
    expect(fieldsIn('Metrics of a node').sort()).toEqual(fields.sort());
  });
});

test('in the README, starting and testing are one line each to copy', () => {
  const { blocks } = documents.find(({ path }) => path === 'README.md')!;
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text);
  expect(commands).toEqual(expect.arrayContaining(['npm ci && npm start\n', 'npm ci && npm test\n']));
});

test('in the README, keys and tokens go into a folder that git ignores', () => {
  const { blocks } = documents.find(({ path }) => path === 'README.md')!;
  const ofStrangers = blocks.filter(({ text }) => /--tokens|openssl|ncat --ssl/.test(text));
  const written = ofStrangers.flatMap(({ text }) =>
    [
      ...text.matchAll(/(?:(?<!2)>|>>|-keyout|-out|--tokens) ?(\S+?)\)?$|(?:-keyout|-out|--tokens) (\S+)/gm),
    ].map(match => match[1] ?? match[2]!),
  );
  expect(written.length).toBeGreaterThan(6);
  expect(written.filter(path => !path.startsWith('secrets/') && path !== '/dev/null')).toEqual([]);
  expect(read('.gitignore').split('\n')).toContain('/secrets/');
});

test('docs/load.md has every field of the JSON of a load run, and no other', async () => {
  const server = await startServer();
  const args = ['load', '--port', String(server.port), '--rate', '1000', '--events', '100'];
  const { stdout } = await runCli([...args, '--check-balances', '--json', '-']);
  await server.stop();
  const section = read('docs/load.md').split('## The JSON')[1]!.split('\n## ')[0]!;
  const rows = section.split('\n').filter(line => line.startsWith('| `'));
  const documented = rows.flatMap(row =>
    [...row.split('|')[1]!.matchAll(/`(\w+)`/g)].map(match => match[1]!),
  );
  expect(documented.sort()).toEqual(Object.keys(JSON.parse(stdout) as object).sort());
});
