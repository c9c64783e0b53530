import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { joined, wrappedMarkdown } from '../../src/cli/terminal/prose.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { readCheckOptions } from '../../steps/kit/check/options.ts';
import { STEPS } from '../../steps/kit/manifest.ts';
import { readPain } from '../../steps/kit/pain.ts';
import { roadmap } from '../../steps/kit/roadmap/command.ts';
import { issuesScript } from '../../steps/kit/roadmap/issues.ts';
import { readTasks, SECTIONS, sectionOf } from '../../steps/kit/roadmap/task.ts';
import { LESSONS, rangeOfLessons } from '../../steps/lesson-kit/lessons.ts';
import { CLI } from '../support/server.ts';

const tasks = readTasks();
const steps = tasks.filter(({ subject }) => Number(subject) >= 1 && Number(subject) <= STEPS.length);
const lessons = tasks.filter(({ subject }) => Number(subject) > STEPS.length);
const commandsIn = (text: string) => [...text.matchAll(/`npx tally ([^`]+)`/g)].map(match => match[1]!);

/** As a shell splits them, where no quote is within another. */
function split(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(match => match[1] ?? match[2]!);
}

describe('the files', () => {
  test('are one for each step of the manifest, between the set-up and the finished server', () => {
    const numbers = (all: readonly { number: number }[]) => all.map(({ number }) => number);
    expect(tasks.map(({ subject }) => subject)).toEqual([0, ...numbers(STEPS), 'src', ...numbers(LESSONS)]);
    expect(lessons.map(({ title }) => title)).toEqual(
      LESSONS.map(({ number, title }) => `Lesson ${number}: ${title}`),
    );
    expect(lessons.map(({ file }) => file)).toEqual(LESSONS.map(({ folder }) => `${folder}.md`));
    expect(steps.map(({ title }) => title)).toEqual(
      STEPS.map(({ number, title }) => `Step ${number}: ${title}`),
    );
    expect(steps.map(({ file }) => file)).toEqual(STEPS.map(({ folder }) => `${folder}.md`));
    const readme = readFileSync(join(ROOT, 'docs/course/roadmap/README.md'), 'utf8');
    for (const { number, folder, title, pain } of [...STEPS, ...LESSONS]) {
      expect(readme).toContain(`| [${number}](${folder}.md) | ${title} | ${pain} |\n`);
    }
  });

  test.each(tasks.map(task => [task.file, task] as const))(
    '%s has all sections, a goal in one sentence, and three hints',
    (_, { markdown, goal, hints }) => {
      const headings = [...markdown.matchAll(/^## (.+)$/gm)].map(match => match[1]);
      expect(headings).toEqual(SECTIONS);
      expect(goal).toMatch(/^[^.]+\.$/);
      expect(hints.map(({ title }) => title.slice(0, 8))).toEqual(['Hint 1: ', 'Hint 2: ', 'Hint 3: ']);
      expect(markdown.match(/<details>/g)).toHaveLength(3);
      for (const section of ['Tasks', 'Acceptance'])
        expect(sectionOf(markdown, section)).toMatch(/^(?:- \[ \] .+(?:\n {6}.+)*\n?)+/);
    },
  );

  test('name commands that tally can read, and the acceptance is the check, this pain, and the last', () => {
    for (const { markdown } of tasks)
      for (const command of commandsIn(markdown)) {
        const [name, ...args] = split(command);
        if (name === 'check') readCheckOptions(args);
        else if (name === 'pain') readPain(args);
        else expect(['steps', 'explore', 'load', '--version'], command).toContain(name);
      }
    for (const { subject, markdown } of steps) {
      const number = Number(subject);
      const lines = sectionOf(markdown, 'Acceptance');
      expect(lines).toContain(`\`npx tally check ${number} --cmd './server'\` passes (exit code 0)`);
      expect(lines).toContain(`\`npx tally pain ${number} --cmd './server'\` says *It hurts* (exit code 1)`);
      const gone = number === 1 ? 2 : number - 1;
      expect(lines).toContain(`\`npx tally pain ${gone} --cmd './server'\` says *No pain* (exit code 0)`);
    }
    for (const { subject, markdown } of lessons) {
      const lines = sectionOf(markdown, 'Acceptance');
      expect(
        lines.match(new RegExp(`\`npx tally check ${subject} --cmd '[^']+'\` passes \\(exit code 0\\)`, 'g')),
      ).toHaveLength(2);
      expect(lines).toMatch(
        new RegExp(`\`npx tally pain ${subject} --cmd '[^']+'\` says \\*It hurts\\* \\(exit code 1\\)`),
      );
      expect(lines).toMatch(
        new RegExp(`\`npx tally pain ${subject} --cmd '[^']+'\` says \\*No pain\\* \\(exit code 0\\)`),
      );
    }
  });
});

describe('lines of Markdown', () => {
  test('are joined in paragraphs and lists, and left alone in code and tables', () => {
    const markdown = 'one\ntwo\n\n- a\n  b\n- c\n\n```sh\nx\ny\n```\n| t |\n| u |\n\n1. d\n   e\n';
    expect(joined(markdown)).toBe('one two\n\n- a b\n- c\n\n```sh\nx\ny\n```\n| t |\n| u |\n\n1. d e\n');
  });

  test('are cut between words, under the text of their item, and never in a command', () => {
    const markdown = '- [ ] some words and `a command that is long`, then\n  others';
    expect(wrappedMarkdown(markdown, 24)).toBe(
      '- [ ] some words and\n      `a command that is long`,\n      then others',
    );
  });
});

describe('tally roadmap', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-roadmap-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const here = (...args: string[]) => roadmap(args, folder);

  test('is a command, with help and exit codes', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'roadmap', '99'], {
      encoding: 'utf8',
    });
    const message = `there is no task 99: they are 0 to 10, src and ${rangeOfLessons()}; tally roadmap lists them`;
    expect({ status, stdout, stderr }).toEqual({
      status: 2,
      stdout: '',
      stderr: `tally roadmap: ${message}\n`,
    });
  });

  test('prints a task whose commands work from here, and hints for whoever asks', () => {
    const stdout = here('3');
    const [, call] = /`(node \S+main\.js) check 3 --cmd/.exec(stdout)!;
    expect(join(folder, call!.slice('node '.length))).toBe(CLI);
    expect(stdout).not.toContain('npx tally');
    expect(stdout).not.toContain('](');
    expect(stdout).toContain(`${relative(folder, ROOT)}/steps/03-parse-events/README.md`);
    expect(stdout).toContain(`\`${call} roadmap 3 --hint 2\``);
    expect(stdout).not.toContain(tasks[3]!.hints[1]!.text.slice(0, 40));
    expect(here('3', '--hint', '2')).toContain(tasks[3]!.hints[1]!.text.slice(0, 40));
  });

  test('writes files into a new folder, the same ones again, and none where one differs', () => {
    const args = ['--markdown', 'my tasks', '--tally', 'tally', '--cmd', "python3 'a b.py'"];
    expect(here(...args)).toBe(`my tasks: ${tasks.length + 1} files written\n`);
    const file = join(folder, 'my tasks', '04-single-threaded.md');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`\`tally check 4 --cmd 'python3 '\\''a b.py'\\'''\` passes`);
    expect(text).toContain('[step 5](05-bounded-queue.md)');
    const texts = readdirSync(join(folder, 'my tasks')).map(name =>
      readFileSync(join(folder, 'my tasks', name), 'utf8'),
    );
    const targets = texts.flatMap(text =>
      [...text.matchAll(/\]\((?!https:)(\S+)\)/g)].map(match => match[1]!),
    );
    expect(targets.length).toBeGreaterThan(20);
    expect(targets.filter(target => !existsSync(join(folder, 'my tasks', target)))).toEqual([]);
    expect(here(...args)).toContain(`: 0 files written; ${tasks.length + 1} were there already\n`);
    writeFileSync(file, 'mine');
    rmSync(join(folder, 'my tasks/README.md'));
    expect(() => here(...args)).toThrow(
      /^04-single-threaded\.md in my tasks is not as .*; nothing was written/,
    );
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readdirSync(join(folder, 'my tasks'))).toHaveLength(tasks.length);
  });

  test('puts in what the reader says once, and word for word', () => {
    const cmd = "npx tally-ho './server'";
    here('--markdown', 'mine', '--tally', 'my npx tally', '--cmd', cmd);
    const text = readFileSync(join(folder, 'mine/00-set-up.md'), 'utf8');
    expect(text).toContain(`The tasks write yours as\n\`${cmd}\`.`);
    expect(text).toContain('The tasks call it as `my npx tally`.');
    expect(text).toContain(`check 1 --cmd 'npx tally-ho '\\''./server'\\'''\``);
    expect(text).toMatch(/For another folder, the tasks can be rewritten \(`less \S+`\)\.\n/);
  });

  test('ends with the name of what is in the way, and writes through no link', () => {
    expect(() => here('--markdown', '/proc/self/no/such')).toThrow(
      'the folder /proc/self/no cannot be made (ENOENT)',
    );
    mkdirSync(join(folder, 'tasks/README.md'), { recursive: true });
    expect(() => here('--markdown', 'tasks')).toThrow('tasks/README.md is a folder; nothing was written');
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'tasks/01-blocking-echo.md'));
    expect(() => here('--markdown', 'tasks', '1')).toThrow('tasks/01-blocking-echo.md is a symbolic link');
    expect(readdirSync(folder)).toEqual(['tasks']);
    expect(readdirSync(join(folder, 'tasks'))).toHaveLength(2);
  });

  test('prints a script that hands every task to gh, word for word', () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const record = `#!/bin/sh\n{ printf '%s\\0' "$@"; [ "$1" = issue ] && cat; printf '\\1'; } >> "$RECORD"\n`;
    writeFileSync(join(bin, 'gh'), record);
    chmodSync(join(bin, 'gh'), 0o755);
    const stdout = here('--gh', '--repo', 'you/events', '--label', "it's", '--base', 'https://x.org/t/');
    expect(spawnSync('bash', ['-n'], { input: stdout }).status).toBe(0);
    const env = { PATH: `${bin}:${process.env.PATH}`, RECORD: join(folder, 'record') };
    expect(spawnSync('sh', [], { input: stdout, env, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const [label, ...issues] = readFileSync(env.RECORD, 'utf8').split('\x01').slice(0, -1);
    expect(label).toContain("label\0create\0it's\0--repo\0you/events");
    expect(issues).toHaveLength(tasks.length);
    for (const [index, issue] of issues.entries()) {
      const body = issue.split('\0').at(-1)!;
      const flags = ['--repo', 'you/events', '--label', "it's", '--title', tasks[index]!.title];
      expect(issue.split('\0').slice(0, -1)).toEqual(['issue', 'create', ...flags, '--body-file', '-']);
      expect(body.match(/^## .+$/gm)!.map(line => line.slice(3))).toEqual(SECTIONS);
      expect(body).not.toContain('npx tally');
      expect(body.match(/\]\((?!https:\/\/)[^)]*\)/g)).toBeNull();
    }
    expect(issues[3]).toContain('](https://x.org/t/steps/03-parse-events/README.md)');
  });

  test('ends a text with a line that is not in it', () => {
    const body = 'END_OF_TASK\n$HOME `id` \\\n END_OF_TASK_';
    const script = issuesScript([{ title: "it's $1", body }], {});
    const shown = `gh() { printf '%s|' "$@"; cat; }\n${script}`;
    const { stdout } = spawnSync('bash', [], { input: shown, encoding: 'utf8' });
    expect(stdout).toBe(`issue|create|--title|it's $1|--body-file|-|${joined(body)}\n`);
  });

  test.each([
    [['3', '--hint', '4'], 'task 3 has no hint 4; it has 1 to 3'],
    [['--gh', '--markdown', 'x'], '--gh and --markdown exclude each other'],
    [['--repo', 'you/events'], '--repo goes with --gh'],
    [['--gh', '--repo', 'events'], '--repo events is not OWNER/NAME'],
    [['--gh', '--repo=-x/y'], '--repo -x/y is not OWNER/NAME'],
    [['--gh', '--label=-x'], '--label -x begins like a flag'],
    [['--cmd', 'a\u001b]0;b\u0007'], '--cmd is empty, or more than a line of plain characters'],
  ])('%j is wrong usage', (args, message) => {
    expect(() => here(...args)).toThrow(new UsageError(message));
  });

  test.each(['http://x/)[evil](http://y', 'https://x?q#f', 'https://x/#f', 'https://', 'x.org/t'])(
    '--base %s is not an address for links',
    base => expect(() => here('3', '--base', base)).toThrow(`--base ${base} is not an address for links`),
  );

  test('is JSON for programs', () => {
    const { tasks: all } = JSON.parse(here('--json')) as { tasks: object[] };
    expect(all).toHaveLength(tasks.length);
    expect(all[1]).toMatchObject({ subject: 1, file: '01-blocking-echo.md', title: 'Step 1: blocking echo' });
  });
});
