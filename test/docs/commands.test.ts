/**
 * Every command of every page: its programs are known, its arguments are right (those of tally itself are judged in
 * arguments.test.ts), and what is over in a moment is run, and prints what the page says. The long run
 * (test/long/documents.test.ts) runs all that can be run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { allCommands, type Command, commandsOf, isCommand } from './commands.ts';
import { pageOf, pagesUnder, ROOT } from './pages.ts';
import { isPlaceholder, PROGRAMS } from './programs.ts';
import { type Ran, Reader, shapeOf, startedBy } from './reader.ts';
import { callsIn } from './shell.ts';

const commands = allCommands();
const LIMIT_MS = 10_000;

describe('the extractor', () => {
  const page = pageOf(
    'page.md',
    [
      'Start it with `npm start`; in `node`, `x = y` is no command, but `frobnicate --all` is.',
      '| `git diff a \\| cat` | <code>nc -N 127.0.0.1 7878</code> |',
      '<!-- `npm run never` -->',
      '- in a list',
      '  ```sh',
      '  # why',
      '  A=1 printf "a;b" \\',
      "    'c d' | nc -N 127.0.0.1 7878 > out 2>&1 # here",
      '  cat <<END && echo $(seq 3)',
      '  not a command',
      '  END',
      '  each() { sleep 1; }; for i in 1 2; do each; done',
      '  ```',
      '',
      '  ```text',
      '  out',
      '  ```',
      '  or, on another day,',
      '  ```text',
      '  other',
      '  ```',
      '```console',
      '$ echo one',
      'one',
      '$ echo two',
      '```',
    ].join('\n'),
  );
  const found = commandsOf(page);

  test('finds blocks, sessions, spans and cells of tables, each with its line', () => {
    expect(found.map(({ line, is, text }) => [line, is, text.split('\n')[0]])).toEqual([
      [1, 'span', 'npm start'],
      [1, 'span', 'frobnicate --all'],
      [2, 'span', 'git diff a | cat'],
      [2, 'span', 'nc -N 127.0.0.1 7878'],
      [6, 'block', '# why'],
      [23, 'block', 'echo one'],
      [25, 'block', 'echo two'],
    ]);
    expect(found.flatMap(({ answers }) => answers)).toEqual(['out\n', 'other\n', 'one\n']);
  });

  test('knows the calls in them, whatever is quoted, commented, redirected or defined', () => {
    expect(found[4]!.calls).toEqual([
      { words: ['printf', 'a;b', 'c d'], variables: ['A=1'] },
      { words: ['nc', '-N', '127.0.0.1', '7878'], variables: [] },
      { words: ['cat'], variables: [] },
      { words: ['seq', '3'], variables: [] },
      { words: ['echo', '$(seq 3)'], variables: [] },
      { words: ['sleep', '1'], variables: [] },
    ]);
    expect(callsIn('time (echo a; exec 3<>/dev/tcp/127.0.0.1/7878)').map(({ words }) => words[0])).toEqual([
      'echo',
      'exec',
    ]);
  });

  test('finds them behind a prompt, behind another, and where no shell is named', () => {
    const other = pageOf(
      'page.md',
      [
        'Say `$ npx tally step 23`, or `cd x && tally step 24`.',
        '```',
        'npx tally step 25     the last',
        'not a command',
        '```',
        '~~~',
        '$ npx tally step 26',
        'tally: there is no step 26',
        '~~~',
        '```text',
        'npx tally step 27',
        '$ npx tally step 28',
        '    Behind: npx tally step 0',
        'tally step 0',
        '```',
        '',
        '    npx tally step 29',
      ].join('\n'),
    );
    expect(commandsOf(other).map(({ line, calls }) => [line, calls.at(-1)!.words.at(-1)])).toEqual([
      [1, '23'],
      [1, '24'],
      [3, '25'],
      [7, '26'],
      [11, '27'],
      [12, '28'],
      [17, '29'],
    ]);
  });

  test('knows what a string calls', () => {
    const calls = callsIn('echo "a $(frob "b c" \'(\' | nc -N) \\"d $((1 + 2))" e $((3))');
    expect(calls.map(({ words }) => words)).toEqual([
      ['frob', 'b c', '('],
      ['nc', '-N'],
      ['echo', 'a $(frob "b c" \'(\' | nc -N) "d $((1 + 2))', 'e', '$((3))'],
    ]);
  });

  test('takes no word of the prose for a command', () => {
    for (const span of [
      'for await',
      'kill',
      'sleep',
      'test and see',
      'head of the ring',
      'await send(…)',
      'a && b -c',
    ])
      expect(isCommand(span), span).toBe(false);
    for (const span of [
      'kill -9',
      'npm test',
      'npx tally step 4',
      './echo',
      'FOO=1 npm test',
      'cargo -q run',
    ])
      expect(isCommand(span), span).toBe(true);
  });

  test('finds many', () => {
    expect(commands.length).toBeGreaterThan(200);
    expect(new Set(commands.map(({ page: { path } }) => path)).size).toBeGreaterThan(15);
  });
});

describe('commands', () => {
  test('every program is known', () => {
    const unknown = commands.flatMap(({ where, calls, text }) =>
      calls
        .filter(({ words }) => !Object.hasOwn(PROGRAMS, words[0]!) && !/^\.\/|^\$/.test(words[0]!))
        .map(({ words }) => `${where}: ${words[0]} in "${text.trim()}"`),
    );
    // If one is a command: say in test/docs/programs.ts how its arguments are judged, and whether it can be run. If it
    // is not, isCommand in test/docs/commands.ts takes it for one.
    expect(unknown).toEqual([]);
  });

  test('what a program is called with is right', () => {
    const wrong = commands.flatMap(({ where, page, calls }) =>
      calls.flatMap(({ words: [program = '', ...args] }) => {
        const mistake = PROGRAMS[program]?.mistake?.(args, page);
        return mistake === undefined ? [] : [`${where}: ${program} ${args.join(' ')}: ${mistake}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('bash understands every block', () => {
    const blocks = commands.filter(({ is }) => is === 'block');
    // One process for all: each is read, and none is run.
    const script = blocks.map(
      ({ text, where }) => `bash -n <<'__END__' || echo ${where}\n${text}\n__END__\n`,
    );
    const { stdout, stderr } = spawnSync('bash', ['-c', script.join('')], { encoding: 'utf8' });
    expect(stdout + stderr).toBe('');
  });
});

describe('npm run', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const called = commands.flatMap(({ where, calls }) =>
    calls.flatMap(({ words }) => {
      const [npm, run, script = '', dashes, ...args] = words;
      const isCalled = npm === 'npm' && run === 'run' && dashes === '--' && !args.some(isPlaceholder);
      return isCalled ? [{ where, script, args }] : [];
    }),
  );

  test('names only tests that are there', () => {
    const files = called.filter(({ script }) => script === 'long').flatMap(({ args }) => args);
    expect(files.filter(file => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  /** With `--help` behind them their readers judge the arguments, and then nothing is run. */
  const judged = (script: string, args: string[]) => {
    const [, file = ''] = /node (dist\/bench\/\S+)$/.exec(scripts[script] ?? '') ?? [];
    return spawnSync(process.execPath, [file, ...args, '--help'], { cwd: ROOT, encoding: 'utf8' });
  };
  const benches = [...new Set(called.map(({ script }) => script))].filter(script =>
    /node dist\/bench\/\S+$/.test(scripts[script] ?? ''),
  );

  test.each(benches)('%s takes the arguments that the documents give it', script => {
    expect(judged(script, ['--no-such-flag']).status).not.toBe(0);
    const own = called.filter(one => one.script === script);
    // Names go together, so that they are one process; each way to give flags is one more.
    const flagged = own.filter(({ args }) => args.some(arg => arg.startsWith('-')));
    const names = own.filter(one => !flagged.includes(one)).flatMap(({ args }) => args);
    const ways = new Map([names, ...flagged.map(({ args }) => args)].map(args => [args.join(' '), args]));
    const wrong = [...ways].flatMap(([way, args]) => {
      const { status, stderr } = judged(script, args);
      return status === 0 ? [] : [`npm run ${script} -- ${way}: ${stderr}`];
    });
    expect(wrong).toEqual([]);
  });

  test('coverage has the flags that the documents give it', () => {
    const source = readFileSync(join(ROOT, 'test/covering/cli.ts'), 'utf8');
    const flags = called.filter(({ script }) => script === 'coverage').flatMap(({ args }) => args);
    expect(flags.filter(flag => !source.includes(` ${flag.slice(2)}: {`))).toEqual([]);
  });
});

describe('run as they stand, on the port of a server of their own', () => {
  /** What sends some lines, and prints what comes. */
  const TALKERS = [
    'printf',
    'echo',
    'yes',
    'head',
    'nc',
    'ncat',
    'socat',
    'exec',
    'sort',
    'uniq',
    'tr',
    'cut',
    'sleep',
    'wait',
  ];
  const has = new Map<string, boolean>();
  const isHere = (program: string) => {
    if (!has.has(program)) has.set(program, spawnSync('bash', ['-c', `type ${program}`]).status === 0);
    return has.get(program)!;
  };
  const isQuick = ({ is, text, calls }: Command) =>
    is === 'block' &&
    /\b7878\b/.test(text) &&
    !/\btime\b|\bsleep [1-9]|yes >/.test(text) &&
    calls.every(({ words }) => TALKERS.includes(words[0]!) && isHere(words[0]!));
  /** Here the test of the tour is stricter: test/docs.test.ts. */
  const isElsewhere = ({ page, answers }: Command) => page.path === 'README.md' && answers.length > 0;

  const quick = pagesUnder('.')
    .map(page => ({ page, own: commandsOf(page) }))
    .filter(({ own }) => own.some(command => isQuick(command) && !isElsewhere(command)));
  let compared = 0;
  afterAll(() => expect(compared).toBeGreaterThan(quick.length === 0 ? 0 : 10));

  function mistakeIn(
    { answers, where, text }: Command,
    { output, isLate, exitCode }: Ran,
    isExact: boolean,
  ): string[] {
    if (isLate) return [`${where} has not ended within ${LIMIT_MS} ms: ${output}`];
    if (exitCode !== 0) return [`${where} ended with ${exitCode}: ${output}`];
    if (output === '' && /\bnc |<&/.test(text)) return [`${where} prints nothing`];
    if (answers.length === 0 || answers.join().includes('…')) return [];
    compared += 1;
    const same = (answer: string) => shapeOf(output).join() === shapeOf(answer).join();
    const isRight = isExact ? answers.includes(output) : answers.some(same);
    return isRight ? [] : [`${where} prints\n${output}\nnot\n${answers.join('or\n')}`];
  }

  test.each(quick)('$page.path', async ({ page, own }) => {
    const reader = new Reader(page);
    const wrong: string[] = [];
    try {
      for (const command of own) {
        const flags = startedBy(command);
        if (flags !== undefined) await reader.start(flags);
        if (!isQuick(command) || isElsewhere(command)) continue;
        await reader.server();
        // Figures that depend on how fast the machine is are not compared.
        const isExact = reader.isFresh && !/uniq|metrics/.test(command.text);
        wrong.push(...mistakeIn(command, await reader.run(command, LIMIT_MS), isExact));
      }
    } finally {
      await reader.close();
    }
    expect(wrong).toEqual([]);
  });
});
