/**
 * Everything that the documents tell the reader to do, done: every command of every page, in the order of the page, in
 * a copy of the repository, with the server that the page starts. What is shortened, and what is left out, is printed
 * with its reason. And every address elsewhere is asked for, if there is a network.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Command, commandsOf } from '../docs/commands.ts';
import { isExternal, linksOf } from '../docs/links.ts';
import { type Page, pagesUnder, ROOT } from '../docs/pages.ts';
import { isOfServer, partsOf, planOf, type Run } from '../docs/plan.ts';
import { stepOfPage } from '../docs/programs.ts';
import { type Ran, Reader, startedBy } from '../docs/reader.ts';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';

const PAGE_MS_MAX = 1_800_000;
const ASK_MS_MAX = 15_000;
const READING_MS = 300;

const pages = pagesUnder('.').filter(page => commandsOf(page).length > 0);
const startedAt = new Date();
const counts = { asTheyStand: 0, changed: 0, left: 0, pages: 0 };
/** Commands that were run, so that none is run twice for the same. */
const done = new Set<string>();

/** Everything that is written goes here: the copy, and a folder beside it for a server of the reader's own. */
const place = mkdtempSync(join(tmpdir(), 'tally-documents-'));
const copy = join(place, 'tally');

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Tally', '-c', 'user.email=tally@example.org', '-c', 'commit.gpgSign=false'];
  return execFileSync('git', [...who, ...args], { cwd: existsSync(copy) ? copy : ROOT, encoding: 'utf8' });
}

/** The packages of this checkout, but `npx tally` of the copy: through a link to the whole folder it would run this one's. */
function linkPackages(): void {
  const [from, to] = [join(ROOT, 'node_modules'), join(copy, 'node_modules')];
  mkdirSync(join(to, '.bin'), { recursive: true });
  for (const name of readdirSync(from)) if (name !== '.bin') symlinkSync(join(from, name), join(to, name));
  for (const name of readdirSync(join(from, '.bin')))
    if (name !== 'tally') symlinkSync(join(from, '.bin', name), join(to, '.bin', name));
  symlinkSync('../../dist/src/cli/main.js', join(to, '.bin', 'tally'));
}

beforeAll(() => {
  const files = git('-C', ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0');
  for (const file of files.filter(one => one !== '' && existsSync(join(ROOT, one))))
    cpSync(join(ROOT, file), join(copy, file));
  cpSync(join(ROOT, 'dist'), join(copy, 'dist'), { recursive: true });
  linkPackages();
  mkdirSync(join(place, 'events'));
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'A copy');
  // How far the reader has come is kept here too.
  process.env.XDG_STATE_HOME = join(place, 'state');
  // As every reader does once: npx takes its time for the first.
  execFileSync('npx', ['tally', 'tags'], { cwd: copy, stdio: 'pipe' });
}, 120_000);

afterAll(() => rmSync(place, { recursive: true, force: true }));

/** The programs that a page prints, written beside it under the names that it gives them. */
function writePrograms(page: Page): void {
  const lines = page.text.split('\n');
  for (const { language, text, line } of page.blocks) {
    const ending = { js: 'mjs', rust: 'rs' }[language];
    const name = new RegExp(`\\b[\\w-]+\\.${ending}\\b`, 'g');
    const [named] = [lines.slice(0, line).reverse(), lines.slice(line)]
      .map(part => part.join('\n').match(name)?.[0])
      .filter(one => one !== undefined);
    if (ending !== undefined && named !== undefined)
      writeFileSync(join(copy, dirname(page.path), named), text);
  }
}

function folderOf({ path }: Page, { script }: Run): string {
  if (script.includes('../tally')) return join(place, 'events');
  // Chapters and the corpus speak of the files beside them, the other pages of the whole repository.
  const isOfFolder = /^(?:steps\/\d|test\/corpus\/)/.test(path) && !/npm |tsx test/.test(script);
  return isOfFolder ? join(copy, dirname(path)) : copy;
}

function mistakeIn(
  { where, answers, text }: Command,
  run: Run,
  { output, exitCode, isLate }: Ran,
): string | undefined {
  const told = `${where}: ${run.script}\n${output.slice(-2_000)}`;
  if (run.until !== undefined && !run.until.test(output)) return `does not say that it listens: ${told}`;
  if (isLate && !run.isEndless) return `has not ended within ${run.limitMs / 1_000} s: ${told}`;
  if (!isLate && run.isEndless) return `has ended with ${exitCode}, and should go on: ${told}`;
  if (!isLate && !run.exitCodes.includes(exitCode!)) return `has ended with ${exitCode}: ${told}`;
  // Of a pain: what it is, and the names of its figures.
  const stable = /tally pain/.test(text)
    ? (answers[0] ?? '').match(/^Pain .*$|^ {4}[a-z][\w ]*?(?= {2})/gm)
    : null;
  const missing = (stable ?? []).filter(line => !output.includes(line));
  return missing.length === 0 ? undefined : `does not print ${missing.join(', ')}: ${told}`;
}

const isHere = (program: string) => spawnSync('bash', ['-c', `type ${program}`]).status === 0;

async function perform(reader: Reader, command: Command): Promise<string | undefined> {
  const { where, page, calls } = command;
  const say = (what: string) => console.log(`${where}: ${command.text.trim().split('\n')[0]}: ${what}`);
  const plan = planOf(command);
  const absent = calls
    .map(({ words }) => words[0]!)
    .find(name => /^\w+$/.test(name) && name !== 'tally' && !isHere(name));
  if ('left' in plan || absent !== undefined) {
    counts.left += 1;
    say('left' in plan ? `left out: ${plan.left}` : `left out: there is no ${absent} here`);
    return undefined;
  }
  const flags = startedBy(command);
  // A step that another page than its chapter starts is not whom that page speaks to afterwards.
  if (flags !== undefined && (stepOfPage(page) !== undefined || !/\bstep \d/.test(command.text)))
    await reader.start(flags);
  const key = `${isOfServer(plan) ? page.path + reader.flags.join() : ''} ${folderOf(page, plan)} ${plan.script}`;
  const isNew = !done.has(key);
  done.add(key);
  if (plan.changes.length === 0) counts.asTheyStand += 1;
  else counts.changed += 1;
  if (!isNew) return undefined;
  if (plan.changes.length > 0) say(plan.changes.join(', '));
  // As a reader, who sees what the last command has done: some of them end the server, and that takes a moment.
  await sleep(READING_MS);
  const startMs = performance.now();
  const ran = await reader.run(command, plan.limitMs, { ...plan, folder: folderOf(page, plan) });
  const mistake = mistakeIn(command, plan, ran);
  const tookS = ((performance.now() - startMs) / 1_000).toFixed(1);
  if (mistake !== undefined || Number(tookS) > 15)
    say(`${mistake === undefined ? 'right' : 'wrong'}, ${tookS} s`);
  return mistake;
}

describe('does what the page says:', () => {
  test.each(pages)(
    '$path',
    async page => {
      writePrograms(page);
      const reader = new Reader(page);
      const wrong: string[] = [];
      try {
        for (const command of commandsOf(page).flatMap(partsOf)) {
          const mistake = await perform(reader, command);
          if (mistake !== undefined) wrong.push(mistake);
        }
      } finally {
        await reader.close();
      }
      expect(wrong).toEqual([]);
      counts.pages += 1;
    },
    PAGE_MS_MAX,
  );
});

afterAll(() => {
  console.log(counts);
  if (counts.pages < pages.length) return;
  keep('documents', 'npm run long -- test/long/documents.test.ts', startedAt, [
    figure('', 'pages', 'higher', counts.pages),
    figure('', 'commands run as they stand', 'higher', counts.asTheyStand),
    figure('', 'commands run shortened, or on another port', 'higher', counts.changed),
    figure('', 'commands left out, with a reason', 'lower', counts.left),
    figure('', 'commands that failed', 'lower', 0),
  ]);
});

describe('addresses elsewhere', () => {
  const addresses = [
    ...new Set(
      pagesUnder('.')
        .flatMap(linksOf)
        .map(({ to }) => to),
    ),
  ].filter(to => isExternal(to) && /^https?:/.test(to) && !/127\.0\.0\.1|localhost/.test(to));
  const ask = async (address: string) => {
    const signal = AbortSignal.timeout(ASK_MS_MAX);
    try {
      return (await fetch(address.split('#')[0]!, { signal, headers: { 'user-agent': 'Mozilla/5.0' } }))
        .status;
    } catch (error) {
      return (error as Error).cause ?? error;
    }
  };

  test('answer, if there is a network', async context => {
    if (addresses.length === 0) return;
    if (
      (await Promise.all(['https://nodejs.org/', 'https://github.com/'].map(ask))).every(
        one => typeof one !== 'number',
      )
    )
      context.skip('there is no network');
    const wrong: string[] = [];
    for (const address of addresses) {
      const answer = await ask(address);
      // What forbids programs to look (403, 429) is there.
      const isThere = typeof answer === 'number' && answer !== 404 && answer !== 410;
      console.log(`${address}: ${answer}`);
      if (!isThere) wrong.push(`${address}: ${answer}`);
    }
    expect(wrong).toEqual([]);
  }, 600_000);
});
