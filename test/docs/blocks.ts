/**
 * What is done with a block of a page. Every `sh` block says so behind its language:
 *
 *     ```sh run     it is run by the suite, and prints what the `text` block below it says, or one of these
 *     ```sh like    the same, but numbers, spaces and the order of lines may differ
 *     ```sh long    it takes its time, so test/long/documents.test.ts runs it; of a pain it prints the same figures
 *     ```sh serve   it starts a server, with which the page goes on, in the reader's other terminal: npm start -- FLAGS,
 *                   or npx tally lesson N FLAGS
 *     ```sh read    only its arguments are judged: it changes the machine, wants a key pressed, or goes on for ever
 *
 * It speaks to the server that the page starts: the step, in its chapter, elsewhere the finished one. Behind `anew`
 * stand the flags of a server that is started for it, and for the blocks that follow: `sh run anew --queue 16`. A
 * `pkill -9 -f` must find that server, and ends no other one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startSaying } from '../../src/tools/harness/server.ts';
import type { Subject } from '../../steps/kit/manifest.ts';
import { startStep } from '../../steps/kit/server.ts';
import { CLI, portSaid, startServer } from '../support/server.ts';
import { stepOfPage } from './commands.ts';
import { type Block, type Page, ROOT } from './pages.ts';

const PORT = '7878';
const HTTP_PORT = '9100';
/** What the blocks of a page write goes into a folder of its own in here, unless they speak of files of the repository. */
const places = mkdtempSync(join(tmpdir(), 'tally-blocks-'));
process.on('exit', () => rmSync(places, { recursive: true, force: true }));
const BACKGROUND_MS_MAX = 5_000;
const SERVE_MS_MAX = 20_000;
const MARK = /^(run|like|long|serve|read)(?: anew((?: --[\w-]+(?: [\w-]+)?)*))?$/;

/** What is done with it, and the flags of the server that it wants anew. */
export function markOf({ mark }: Block): { does: string | undefined; anew: string[] | undefined } {
  const [, does, flags] = MARK.exec(mark) ?? [];
  return { does, anew: flags?.split(' ').filter(Boolean) };
}

/** Whether a block needs a program, by its name or because a command of ours starts it. */
export function needs({ text }: Block, program: string): boolean {
  if (program === 'nats-server' && text.includes('tally cluster try')) return true;
  return new RegExp(`\\b${program} `).test(text);
}

interface Server {
  port: number;
  http?: number | undefined;
  pid?: number | undefined;
  stop(): Promise<unknown>;
}

/** Does what a page says, in its order. */
export class Reader {
  readonly #page: Page;
  #server: Server | undefined;
  #flags: string[] = [];
  /** What each of its servers said of its end. */
  readonly ends: unknown[] = [];
  readonly #place = mkdtempSync(join(places, 'page-'));

  constructor(page: Page) {
    this.#page = page;
  }

  /** What is wrong with what the block prints, or with how it ends. */
  async mistakeIn(block: Block, limitMs: number): Promise<string | undefined> {
    const { does, anew } = markOf(block);
    if (does === 'serve') return await this.#serve(block.text.trim());
    if (anew !== undefined) {
      await this.close();
      this.#flags = anew;
    }
    const script = await this.#scriptOf(block);
    const deadlineMs = performance.now() + limitMs;
    let mistake: string | undefined;
    do {
      const { output, exitCode } = await inBash(
        script,
        this.#place,
        Math.max(0, deadlineMs - performance.now()),
      );
      if (exitCode === undefined) return `has not ended within ${limitMs} ms: ${output}`;
      // The pain of a server of the reader's own is said so by its exit code, too.
      const isOwn = exitCode === 1 && block.text.includes(' --cmd ');
      if (exitCode !== 0 && !isOwn) return `ended with ${exitCode}: ${output}`;
      const isRight =
        block.answers.length === 0 || block.answers.some(answer => isLike(output, answer, does!));
      mistake = isRight ? undefined : `prints\n${output}\nnot\n${block.answers.join('or\n')}`;
      // Metrics are of this moment: on a busy machine the last events may be in the ring still.
    } while (mistake !== undefined && /^printf .*"metrics"/.test(script) && performance.now() < deadlineMs);
    return mistake;
  }

  async close(): Promise<void> {
    if (this.#server !== undefined) this.ends.push(await this.#server.stop());
    this.#server = undefined;
  }

  /** Runs what `npm start` runs, or `tally lesson`, on a free port. */
  async #serve(command: string): Promise<string | undefined> {
    const [, flags] = /^npm start -- ([\w ./-]+)$/.exec(command) ?? [];
    const [, lesson] = /^npx tally lesson ([\w ./-]+)$/.exec(command) ?? [];
    if (lesson !== undefined) return await this.#serveLesson(lesson.split(' '));
    if (flags === undefined) return `is neither npm start nor npx tally lesson, with flags: ${command}`;
    await this.close();
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const [, ...words] = (scripts.start as string)
      .replace('exec ', '')
      .replace('dist/', join(ROOT, 'dist/'))
      .split(' ');
    const args = [...words, ...flags.replace(`--http ${HTTP_PORT}`, '--http 0').split(' '), '--port', '0'];
    let http: number | undefined;
    const portOf = (line: string) => {
      const said = JSON.parse(line) as { port?: number; http?: number };
      http = said.http;
      return said.port;
    };
    const program = { name: command, program: process.execPath, args, cwd: this.#place };
    const server = await startSaying(program, portOf, SERVE_MS_MAX);
    this.#server = {
      port: server.port,
      http,
      pid: server.pid,
      stop() {
        server.signal('SIGTERM');
        return server.ended;
      },
    };
    return undefined;
  }

  async #serveLesson(words: readonly string[]): Promise<undefined> {
    await this.close();
    const server = await startSaying(
      {
        name: `lesson ${words[0]}`,
        program: process.execPath,
        args: [CLI, 'lesson', ...words, '--port', '0'],
        cwd: this.#place,
        env: { XDG_STATE_HOME: this.#place },
      },
      portSaid,
      SERVE_MS_MAX,
    );
    this.#server = {
      port: server.port,
      pid: server.pid,
      stop() {
        server.signal('SIGTERM');
        return server.ended;
      },
    };
  }

  /** `npx` only takes half a second to find what stands here already. */
  async #scriptOf(block: Block): Promise<string> {
    const text = block.text.replace(/\bnpx tally\b/g, `node ${CLI}`);
    if (!/\b(?:7878|9100)\b|\bPID\b| load /.test(text)) return text;
    // It starts its server itself.
    if (text.includes(' --cmd '))
      return text.replaceAll(`${CLI} load`, `${CLI} load --port ${await freePort()}`);
    const step = stepOfPage(this.#page)?.number as Subject | undefined;
    this.#server ??= await (step === undefined ? startServer(this.#flags) : startStep(step, {}, this.#flags));
    const { port, http, pid } = this.#server;
    return text
      .replaceAll(PORT, String(port))
      .replaceAll(HTTP_PORT, String(http ?? HTTP_PORT))
      .replace(/\$?\bPID\b/g, String(pid))
      .replace(/\bpkill -9 -f '([^']+)'/g, (_, pattern) => `kill -9 ${foundBy(pattern, pid!)}`)
      .replaceAll(`${CLI} load`, `${CLI} load --port ${port}`);
  }
}

/** The process, or a child of it, if the pattern matches its command line, as `pkill -f` would find it. */
function foundBy(pattern: string, pid: number): number {
  const args = ['-o', 'pid=,args=', '--pid', String(pid), '--ppid', String(pid)];
  const { stdout } = spawnSync('ps', args, { encoding: 'utf8' });
  const found = stdout.split('\n').find(line => new RegExp(pattern).test(line));
  if (found === undefined) throw new Error(`pkill -f '${pattern}' does not find: ${stdout}`);
  return Number.parseInt(found, 10);
}

/** In a process group of its own, which ends as a whole; without an exit code if it was late. */
async function inBash(
  script: string,
  place: string,
  limitMs: number,
): Promise<{ output: string; exitCode: number | undefined }> {
  const env = { ...process.env, NO_COLOR: '1', LC_ALL: 'C.UTF-8' };
  const child = spawn('bash', ['-c', script], {
    cwd: script.includes('docs/') ? ROOT : place,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', text => {
      output += text;
    });
  const exited = once(child, 'exit') as Promise<[number]>;
  // When what it has left in the background, with the same streams, has ended too.
  const closed = once(child, 'close');
  const late = sleep(limitMs, [undefined], { ref: false });
  const [exitCode] = await Promise.race([exited, late]);
  if (exitCode !== undefined)
    await Promise.race([closed, sleep(BACKGROUND_MS_MAX, undefined, { ref: false })]);
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
  await closed;
  return { output, exitCode };
}

function isLike(output: string, answer: string, does: string): boolean {
  if (does === 'run') return output.trimEnd() === answer.trimEnd();
  if (does === 'like') return shapeOf(output) === shapeOf(answer);
  // Of a pain: what it is, and the names of its figures.
  const stable = /^Pain/.test(answer) ? answer.match(/^Pain .*$|^ {4}[a-z][\w ]*?(?= {2})/gm)! : [];
  return stable.every(line => output.includes(line));
}

/** Its lines without their numbers and in any order. */
function shapeOf(text: string): string {
  const lines = text.split('\n').map(line =>
    line
      .replace(/\d[\d,.]*/g, '#')
      .replace(/\s+/g, ' ')
      .trim(),
  );
  return [...new Set(lines.filter(Boolean))].sort().join('\n');
}
