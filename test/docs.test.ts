/**
 * The documents say what the code does: settings, replies, metrics and offsets are compared with their sources, and
 * the tour of the README is run. Their links and their commands have tests of their own, in test/docs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Config, flagOf, readConfig, SETTINGS, variableOf } from '../src/config/settings.ts';
import { Engine } from '../src/engine/engine.ts';
import { Count, Word } from '../src/engine/memory-layout.ts';
import { Log } from '../src/log.ts';
import { Reply, replyLine } from '../src/protocol/replies.ts';
import { createDesk, Service } from '../src/session/service.ts';
import { until } from '../src/tools/harness/waiting.ts';
import { FLAG_NAMES } from '../src/tools/load/options.ts';
import { runCli, startServer } from './support/server.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const KEYS = Object.keys(SETTINGS) as (keyof Config)[];

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function markdownUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'target', '.git'].includes(entry.name) ? [] : markdownUnder(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const documents = markdownUnder('.').map(path => ({ path, text: read(path) }));

describe('settings', () => {
  const table = read('docs/operations.md')
    .split('\n')
    .filter(line => line.startsWith('| `--'));

  /** How many cores there are is no default to write down. */
  const defaultOf = (key: keyof Config) =>
    key === 'workers' ? 'cores − 1, from 1 to 64' : `\`${SETTINGS[key].default}\``;

  function rangeOf(key: keyof Config): string {
    const setting = SETTINGS[key];
    switch (setting.is) {
      case 'integer':
        return `${setting.min} to ${setting.max}`;
      case 'choice':
        return setting.choices.map(choice => `\`${choice}\``).join(', ');
      case 'switch':
        return '`true`, `false`';
      case 'text':
        return 'an address or a name';
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
      ...['--help', '--version', '--list', '--small', '--out', '--redraw', 'TALLY_SOAK_MINUTES'],
      // The path's.
      ...['--all', '--times', '--cmd', '--connect', '--step', '--watch', '--reset', '--stat'],
      ...['--every-run', '--runs-max'],
      ...['--quick', '--predict', '--hint', '--markdown', '--gh', '--repo', '--label', '--tally', '--base'],
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

  test('every fixed reply is there, byte for byte', () => {
    const lines = Object.values(Reply).map(reply => replyLine(reply).toString().trimEnd());
    expect(lines.filter(line => !protocol.includes(`\`${line}\``))).toEqual([]);
  });

  test('every field of the metrics in detail is there, and no other', () => {
    const config = readConfig([], {});
    const desk = createDesk(config);
    const shape = { workers: 2, ringSlots: 8, usersMax: 8, workUs: 0, workKind: config.work };
    const engine = new Engine(desk.view, shape, { onDeath: () => {}, onReplaced: () => {} });
    const service = new Service(config, engine, desk, new Log('error', 'json', process.stdout, {}));
    const detail = JSON.parse(service.metricsDetail.line()) as Record<string, unknown>;
    const fields = Object.entries(detail).flatMap(([name, value]) =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? [name, ...Object.keys(value).map(inner => `${name}.${inner}`)]
        : [name],
    );
    const section = protocol.split('## Metrics in detail')[1]!.split('\n## ')[0]!;
    const documented = section
      .split('\n')
      .filter(line => line.startsWith('| `'))
      .flatMap(line => [...line.split('|')[1]!.matchAll(/`([^`]+)`/g)].map(match => match[1]!));
    expect(documented.sort()).toEqual(fields.sort());
  });
});

test('the memory map has every word at its offset', () => {
  const map = read('docs/architecture.md');
  const words = Object.entries(Word).map(([name, word]) => `| \`${name}\` | ${word * 4} | int32 |`);
  const counts = Object.entries(Count).map(([name, word]) => `| \`${name}\` | ${word * 8} | int64 |`);
  expect([...words, ...counts].filter(row => !map.includes(row))).toEqual([]);
});

describe('the README', () => {
  const readme = read('README.md');
  const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(match => ({
    language: match[1]!,
    text: match[2]!,
  }));

  test('starting and testing are one line each to copy', () => {
    const commands = blocks.filter(block => block.language === 'sh').map(block => block.text);
    expect(commands).toContain('npm ci && npm start\n');
    expect(commands).toContain('npm ci && npm test\n');
  });

  const netcat = spawnSync('nc', ['-h'], { encoding: 'utf8' });
  const hasNetcat = netcat.error === undefined && netcat.stderr.includes('OpenBSD');

  test.skipIf(!hasNetcat)('the tour replies what it says', async () => {
    const server = await startServer();
    try {
      const tour = readme.split('## Two minutes with netcat')[1]!.split('\n##')[0]!;
      const pairs = [...tour.matchAll(/^```sh\n(.*)\n```\n\n```text\n([\s\S]*?)^```$/gm)];
      expect(pairs.length).toBe(6);
      for (const [, command, replies] of pairs) {
        const onItsPort = command!.replace(' 7878', ` ${server.port}`);
        const run = () => execFileSync('bash', ['-c', onItsPort], { encoding: 'utf8' });
        // Metrics are of this moment: on a busy machine the last events may be in the ring still.
        if (onItsPort.includes('"metrics"')) await until(() => run() === replies, `${onItsPort}: ${replies}`);
        else expect(run(), onItsPort).toBe(replies);
      }
    } finally {
      const { ledger } = await server.stop();
      expect(ledger).toMatchObject({
        exitCode: 0,
        received: 100_002,
        processed: 100_002,
        invalid: 3,
        lost: 0,
      });
    }
  });
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
