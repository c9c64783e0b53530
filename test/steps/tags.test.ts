/** Tags are cut in clones of a repository that is made here from the working tree, which may not be committed. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exchange } from '../../src/tools/harness/client.ts';
import { freePort, startOnPort } from '../../src/tools/harness/server.ts';
import { gitEnvironment } from '../../steps/kit/git.ts';
import { STEPS } from '../../steps/kit/manifest.ts';
import { LESSONS } from '../../steps/lesson-kit/lessons.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['00-contract', ...STEPS.map(({ folder }) => folder)];
const STEP_TAGS = FOLDERS.map(folder => `step-${folder.slice(0, 2)}`);
const SIDES = LESSONS.flatMap(({ number, folder }) => [
  { tag: `step-${number}`, folder, side: 'wrong' },
  { tag: `step-${number}-right`, folder, side: 'right' },
]);
const TAGS = [...STEP_TAGS, ...SIDES.map(({ tag }) => tag)];

let home: string;
let origin: string;
/** A clone that has the tags. */
let tagged: string;

/** Git as somebody else has it: another name, another encoding, and a wish to sign that cannot be granted. */
const settings = [
  ...['user.name=Ann', 'user.email=ann@example.invalid', 'i18n.commitEncoding=latin1'],
  ...['commit.gpgSign=true', 'tag.gpgSign=true', 'gpg.program=false'],
];
const FOREIGN_CONFIG = {
  GIT_CONFIG_COUNT: String(settings.length),
  ...Object.fromEntries(
    settings.flatMap((setting, at) => [
      [`GIT_CONFIG_KEY_${at}`, setting.split('=')[0]!],
      [`GIT_CONFIG_VALUE_${at}`, setting.split('=')[1]!],
    ]),
  ),
};

function git(cwd: string, ...args: string[]): string {
  const env = { ...gitEnvironment(), GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
  const named = ['-c', 'user.name=test', '-c', 'user.email=test@example.invalid', ...args];
  const { status, stdout, stderr } = spawnSync('git', named, { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout.trimEnd();
}

/** From elsewhere: the package's folder counts, not the caller's. */
function tags(repository: string, args: string[] = [], env: Record<string, string> = {}) {
  const options = { cwd: tmpdir(), env: { ...process.env, ...env }, encoding: 'utf8' } as const;
  const command = [join(repository, 'dist/src/cli/main.js'), 'tags', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, options);
  return { exitCode: status, stdout, stderr };
}

const hashesIn = (repository: string) =>
  git(repository, 'for-each-ref', '--format=%(refname:short) %(objectname)');
const tagsIn = (repository: string) => hashesIn(repository).match(/^step-.*$/gm) ?? [];

function clone(name: string, ...flags: string[]): string {
  const folder = join(home, name);
  git(home, 'clone', '--quiet', ...flags, `file://${origin}`, folder);
  return folder;
}

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tally-tags-'));
  origin = join(home, 'origin');
  for (const part of ['dist', 'steps', 'package.json'])
    cpSync(join(ROOT, part), join(origin, part), { recursive: true, filter: name => !name.endsWith('.map') });
  git(origin, 'init', '--quiet');
  git(origin, 'add', '.');
  git(origin, 'commit', '--quiet', '--message', 'the working tree');
  tagged = clone('tagged');
  tags(tagged);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the tags', () => {
  test('have the same hashes in every clone, whatever its user has configured, and a second run changes nothing', () => {
    const [one, two, shallow] = [clone('one'), clone('two'), clone('shallow', '--depth', '1')];
    const planned = tags(one, ['--list']);
    expect(planned).toMatchObject({ exitCode: 0, stderr: '' });
    expect(planned.stdout.match(/would be cut$/gm)).toHaveLength(TAGS.length);
    expect(tagsIn(one)).toEqual([]);

    const first = tags(one);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toContain('git worktree add ../step-05 step-05');
    expect(first.stdout).toContain('git diff step-05 step-06');
    expect(tagsIn(one).map(line => line.split(' ')[0])).toEqual(TAGS);
    const hashesOf = (text: string) => text.match(/^step-\S+ +\w{12}/gm);
    expect(hashesOf(planned.stdout)).toHaveLength(TAGS.length);
    expect(hashesOf(planned.stdout)).toEqual(hashesOf(first.stdout));

    expect(tags(two, [], FOREIGN_CONFIG)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(tagsIn(two)).toEqual(tagsIn(one));
    expect(tags(shallow)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(tagsIn(shallow)).toEqual(tagsIn(one));

    const before = hashesIn(one);
    const again = tags(one);
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(again.stdout).toContain('All were there: nothing has changed.\n');
    expect(hashesIn(one)).toBe(before);
    expect(git(one, 'fsck', '--strict')).toBe('');
  });

  test('are a line of commits that say what the step teaches', () => {
    const log = git(tagged, 'log', '--reverse', '--format=%an <%ae> %at %s', 'step-10').split('\n');
    expect(log).toEqual(
      ['the contract', ...STEPS.map(({ title }) => title)].map(
        (title, number) =>
          `Tally <tally@example.invalid> ${1_735_689_600 + 60 * number} Step ${number}: ${title}`,
      ),
    );
    const message = git(tagged, 'log', '-1', '--format=%B', 'step-05');
    expect(message).toContain('Its pain: capacity is one thread.');
    expect(message).toContain('Dropping data is better than crashing.');
  });

  test.each(LESSONS)(
    'of lesson $number follow the last step: the wrong server, then the right one',
    lesson => {
      const [wrong, right] = [`step-${lesson.number}`, `step-${lesson.number}-right`];
      const log = git(tagged, 'log', '--reverse', '--format=%s', `step-10^..${right}`).split('\n');
      const title = `Lesson ${lesson.number}: ${lesson.title}`;
      expect(log).toEqual([`Step 10: ${STEPS.at(-1)!.title}`, `${title}, wrong`, `${title}, right`]);
      expect(git(tagged, 'log', '-1', '--format=%B', wrong)).toContain(`Its pain: ${lesson.pain}.`);
      const changed = git(tagged, 'diff', '--name-only', wrong, right).split('\n');
      expect(changed).toContain('server.ts');
      expect(changed).not.toContain('README.md');
      expect(changed).not.toContain('request.ts');
    },
  );

  test("the difference between two lists the step's files only", () => {
    const stdout = git(tagged, 'diff', '--stat', 'step-05', 'step-06');
    const changed = [...stdout.matchAll(/^ (\S+) +\|/gm)].map(match => match[1]!);
    const files = new Set(FOLDERS.slice(5, 7).flatMap(folder => readdirSync(join(origin, 'steps', folder))));
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.filter(name => !files.has(name))).toEqual([]);
  });
});

describe('what is in the way', () => {
  test('a tag of that name that is something else is left alone; the others are cut', () => {
    const repository = clone('foreign');
    git(repository, 'tag', 'step-05', 'HEAD');
    const { exitCode, stdout, stderr } = tags(repository);
    const head = git(repository, 'rev-parse', 'HEAD');
    expect(exitCode).toBe(1);
    expect(stdout.match(/ cut$/gm)).toHaveLength(TAGS.length - 1);
    expect(stderr).toMatch(
      new RegExp(
        `^tally tags: step-05 points at ${head.slice(0, 12)} "the working tree"; it would be \\w{12}\n` +
          'tally tags: to have it cut: git tag -d step-05, and again tally tags\n$',
      ),
    );
    expect(git(repository, 'rev-parse', 'step-05')).toBe(head);

    git(repository, 'tag', '--delete', 'step-05');
    expect(tags(repository)).toMatchObject({ exitCode: 0, stderr: '' });
    const { tags: all } = JSON.parse(tags(repository, ['--json']).stdout) as { tags: { state: string }[] };
    expect(all.map(({ state }) => state)).toEqual(TAGS.map(() => 'there'));
  });

  test('an annotated tag on the right commit is the right tag', () => {
    const hash = git(tagged, 'rev-parse', 'step-05');
    git(tagged, 'tag', '--force', '--annotate', '--message', 'mine', 'step-05', hash);
    expect(tags(tagged)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('uncommitted changes are told, and not cut', () => {
    const repository = clone('changed');
    const file = join(repository, 'steps/05-bounded-queue/server.ts');
    writeFileSync(file, `${readFileSync(file, 'utf8')}// changed\n`);
    const { exitCode, stderr } = tags(repository);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'tally tags: steps/ has uncommitted changes; tags are cut from the last commit\n',
    });
    expect(git(repository, 'show', 'step-05:server.ts')).not.toContain('// changed');
  });

  test('names that were compiled from another manifest are told: the hashes hang on them', () => {
    const repository = clone('stale');
    const manifest = join(repository, 'dist/steps/kit/manifest.js');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('lost updates', 'updates that were lost'));
    const { exitCode, stderr } = tags(repository, ['--list']);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /^tally tags: steps\/kit\/manifest.ts of the last commit is not the one that runs.*\n$/,
    );
  });

  test("a checkout of another owner is refused with Git's own reason, and what mends it", () => {
    const env = {
      GIT_TEST_ASSUME_DIFFERENT_OWNER: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
    };
    const { exitCode, stdout, stderr } = tags(tagged, ['--list'], env);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(
      /^tally tags: git refuses this checkout: detected dubious ownership in repository at '/,
    );
    expect(stderr).toContain('git config --global --add safe.directory ');
  });

  test('no checkout, no commit and no steps in the commit are one line each', () => {
    const folder = join(home, 'bare');
    cpSync(join(origin, 'dist'), join(folder, 'dist'), { recursive: true });
    cpSync(join(origin, 'package.json'), join(folder, 'package.json'));
    const expectLine = (message: RegExp) =>
      // A folder above may be a checkout, of something else.
      expect(tags(folder, [], { GIT_CEILING_DIRECTORIES: home })).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: expect.stringMatching(message),
      });
    expectLine(/^tally tags: this is not a git checkout.*\n$/);
    git(folder, 'init', '--quiet');
    expectLine(/^tally tags: there is no commit yet.*\n$/);
    git(folder, 'commit', '--quiet', '--allow-empty', '--message', 'empty');
    expectLine(/^tally tags: steps\/00-contract is not in the last commit, \w{12}: commit it first\n$/);
  });

  test.each([
    ['step-05', 'step-05 is one word too many: tally tags cuts all of them, or none'],
    ['--force', 'unknown flag --force; tally tags takes --list, --dry-run and --json'],
  ])('tally tags %s is wrong usage', (arg, message) => {
    expect(tags(origin, [arg])).toEqual({ exitCode: 2, stdout: '', stderr: `tally tags: ${message}\n` });
  });
});

/** A Node that runs TypeScript as it is: this one, or one from the registry. Undefined without either. */
function findStrippingNode(): string | undefined {
  if ('typescript' in process.features && process.features.typescript !== false) return process.execPath;
  const args = ['-y', 'node@24', '-p', 'process.execPath'];
  const { status, stdout } = spawnSync('npx', args, { cwd: tmpdir(), encoding: 'utf8', timeout: 25_000 });
  return status === 0 ? stdout.trim() : undefined;
}

describe('a worktree of a tag', () => {
  const node = findStrippingNode();

  beforeAll(() => {
    for (const tag of TAGS) git(tagged, 'worktree', 'add', '--quiet', `../${tag}`, tag);
  });

  test.each(SIDES)(
    'holds one server of a lesson, at its root, and the chapter, $tag',
    ({ tag, folder, side }) => {
      const worktree = join(home, tag);
      const source = join(origin, 'steps', folder, side);
      const names = readdirSync(worktree).filter(name => name !== '.git');
      expect(names.sort()).toEqual([...readdirSync(source), 'README.md'].sort());
      for (const name of names) {
        const from = name === 'README.md' ? join(source, '..', name) : join(source, name);
        expect(readFileSync(join(worktree, name), 'utf8')).toBe(readFileSync(from, 'utf8'));
      }
    },
  );

  test.each(FOLDERS)("holds just the step's files, %s", folder => {
    const worktree = join(home, `step-${folder.slice(0, 2)}`);
    const names = readdirSync(worktree).filter(name => name !== '.git');
    const source = join(origin, 'steps', folder);
    expect(names.sort()).toEqual(readdirSync(source).sort());
    for (const name of names)
      expect(readFileSync(join(worktree, name), 'utf8')).toBe(readFileSync(join(source, name), 'utf8'));
  });

  test.skipIf(node === undefined)(
    'runs by `node server.ts` alone, and replies (skipped where npx finds no newer Node)',
    async () => {
      // Others need packages beside their files, or somebody to call.
      const alone = LESSONS.filter(
        ({ packages, companions = [] }) => packages.length === 0 && companions.length === 0,
      );
      const lessons = alone.flatMap(({ number }) => [`step-${number}`, `step-${number}-right`]);
      const replies = await Promise.all([...STEP_TAGS.slice(1), ...lessons].map(replyIn));
      const [echo, ok] = ['{"type":"health"}\n', '{"status":"ok"}\n'];
      expect(replies).toEqual([
        ...STEPS.map(({ number }) => (number < 3 ? echo : ok)),
        ...lessons.map(() => ok),
      ]);
    },
  );

  async function replyIn(tag: string): Promise<string> {
    const port = await freePort();
    const args = ['server.ts', '--port', String(port)];
    const server = await startOnPort({ name: tag, program: node!, args, cwd: join(home, tag) }, port, 20_000);
    try {
      return await exchange(port, '{"type":"health"}\n');
    } finally {
      await server.stop();
    }
  }
});
