/**
 * What the documents tell the reader to do, done, where it takes longer than the suite has: blocks that are marked as
 * long, and the programs that chapters print. And every address elsewhere is asked for, if there is a network.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { markOf, needs, Reader } from '../docs/blocks.ts';
import { isExternal, linksOf } from '../docs/links.ts';
import { allPages, ROOT } from '../docs/pages.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { runCli } from '../support/server.ts';

const BLOCK_MS_MAX = 600_000;
const ASK_MS_MAX = 15_000;

const startedAt = new Date();
const pages = allPages();
const blocks = pages.flatMap(({ path, blocks }) =>
  blocks.map(block => ({ ...block, where: `${path}:${block.line}` })),
);
const count = (...marks: string[]) => blocks.filter(block => marks.includes(markOf(block).does!)).length;
const isHere = (program: string) => spawnSync('bash', ['-c', `type ${program}`]).status === 0;
const long = pages.filter(page => page.blocks.some(block => markOf(block).does === 'long'));
let [done, failed] = [0, 0];

describe('does what the page says:', () => {
  test.each(long)('$path', { timeout: 3 * BLOCK_MS_MAX }, async page => {
    const reader = new Reader(page);
    const wrong: string[] = [];
    for (const block of page.blocks.filter(one => markOf(one).does === 'long')) {
      const absent = ['nc', 'cargo', 'nats-server'].find(
        program => needs(block, program) && !isHere(program),
      );
      if (absent !== undefined) {
        console.log(`${page.path}:${block.line}: left out: there is no ${absent} here`);
        continue;
      }
      const mistake = await reader.mistakeIn(block, BLOCK_MS_MAX);
      if (mistake !== undefined) wrong.push(`${page.path}:${block.line}: ${mistake}`);
    }
    await reader.close();
    done += 1;
    failed += wrong.length;
    expect(wrong).toEqual([]);
  });
});

describe('the programs of a chapter', () => {
  const place = mkdtempSync(join(tmpdir(), 'tally-documents-'));
  cpSync(join(ROOT, 'steps'), join(place, 'steps'), { recursive: true });
  writeFileSync(join(place, 'package.json'), '{"type":"module"}');
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  const programs = pages.flatMap(({ path, blocks, spans }) =>
    blocks
      .filter(({ mark }) => /^[\w-]+\.(?:mjs|rs)$/.test(mark))
      .map(({ mark, text }) => ({ path, name: mark, text, spans: spans.map(span => span.text) })),
  );
  const written = ({ path, name, text }: (typeof programs)[number]) => {
    const folder = join(place, dirname(path));
    writeFileSync(join(folder, name), text);
    return folder;
  };

  test.each(programs.filter(({ name }) => name.endsWith('.mjs')))(
    '$path: $name',
    program => {
      const call = program.spans.find(span => span.startsWith('node ') && span.includes(program.name))!;
      const [args = ''] = call.slice('node '.length).split(' | ');
      const isServer = args.includes('server.ts');
      const { stdout, stderr, signal, status } = spawnSync(
        process.execPath,
        [
          '--import',
          join(ROOT, 'steps/kit/register.mjs'),
          ...args.split(' '),
          ...(isServer ? ['--port', '0'] : []),
        ],
        { cwd: written(program), encoding: 'utf8', timeout: isServer ? 3_000 : BLOCK_MS_MAX },
      );
      if (isServer)
        expect([signal, stdout]).toEqual(['SIGTERM', expect.stringMatching(/listening[\s\S]*\n.+\n/)]);
      // A Node without a disassembler says so.
      else expect([status, stderr]).toEqual([0, '']);
    },
    BLOCK_MS_MAX,
  );

  test.skipIf(!isHere('rustc')).each(programs.filter(({ name }) => name.endsWith('.rs')))(
    '$path: $name',
    async program => {
      const folder = written(program);
      execFileSync('rustc', ['--edition', '2024', '-O', program.name], { cwd: folder });
      const command = `./${program.name.replace('.rs', '')}`;
      for (const span of program.spans.filter(one =>
        new RegExp(`^npx tally pain \\d+ --cmd ${command}$`).test(one),
      )) {
        const [, , , pain = ''] = span.split(' ');
        const { stdout } = await runCli(['pain', pain, '--json', '--cmd', join(folder, command)]);
        expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({
          pain: Number(pain),
          observed: 'present',
        });
      }
    },
    BLOCK_MS_MAX,
  );
});

afterAll(() => {
  if (done < long.length) return;
  keep('documents', 'npm run long -- test/long/documents.test.ts', startedAt, [
    figure('', 'pages', 'higher', pages.length),
    figure('', 'blocks of commands run by the suite', 'higher', count('run', 'like')),
    figure('', 'blocks of commands run by the long run', 'higher', count('long')),
    figure('', 'blocks of commands of which only the arguments are judged', 'lower', count('read')),
    figure('', 'blocks that failed', 'lower', failed),
  ]);
});

describe('addresses elsewhere', () => {
  const all = pages.flatMap(linksOf).map(({ to }) => to);
  const addresses = [...new Set(all)].filter(to => isExternal(to) && !/127\.0\.0\.1|localhost/.test(to));
  const ask = async (address: string) => {
    const options = { signal: AbortSignal.timeout(ASK_MS_MAX), headers: { 'user-agent': 'Mozilla/5.0' } };
    try {
      return (await fetch(address.split('#')[0]!, options)).status;
    } catch (error) {
      return (error as Error).cause ?? error;
    }
  };

  test('answer, if there is a network', { timeout: 600_000 }, async context => {
    const anchors = await Promise.all(['https://nodejs.org/', 'https://github.com/'].map(ask));
    if (anchors.every(one => typeof one !== 'number')) context.skip('there is no network');
    const wrong: string[] = [];
    for (const address of addresses) {
      const answer = await ask(address);
      console.log(`${address}: ${answer}`);
      // What forbids programs to look (403, 429) is there.
      if (typeof answer !== 'number' || answer === 404 || answer === 410) wrong.push(`${address}: ${answer}`);
    }
    expect(wrong).toEqual([]);
  });
});
