/** The blocks of a page that are run, and running them in the order of the page. */
import { spawnSync } from 'node:child_process';
import type { EngineName } from '../../steps/lesson-kit/engines/engine.ts';
import type { Lesson } from '../../steps/lesson-kit/lesson.ts';
import { LESSONS } from '../../steps/lesson-kit/lessons.ts';
import { markOf, needs, Reader } from './blocks.ts';
import type { Block, Page } from './pages.ts';

const LIMIT_MS = 20_000;
/** Six processes start, one behind the other. */
const CLUSTER_MS_MAX = 60_000;
/** Only OpenBSD's has the -N that the documents use. */
export const hasNetcat = spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr?.includes('OpenBSD') === true;
const isHere = (program: string) =>
  program === 'nc' ? hasNetcat : spawnSync('bash', ['-c', `type ${program}`]).status === 0;

export interface Runnable {
  page: Page;
  blocks: Block[];
  /** Those that are run. */
  run: Block[];
  /** Those of them whose programs are here. */
  here: Block[];
  /** For the name of a test. */
  path: string;
}

export function runnable(page: Page): Runnable {
  const blocks = page.blocks.filter(({ language }) => language === 'sh');
  const run = blocks.filter(block => ['run', 'like', 'serve'].includes(markOf(block).does!));
  const wanted = ['nc', 'ncat', 'socat', 'openssl', 'curl', 'nats-server'].filter(name =>
    run.some(block => needs(block, name)),
  );
  const absent = wanted.filter(name => !isHere(name));
  const here = run.filter(block => !absent.some(name => needs(block, name)));
  const path = page.path + absent.map(name => ` (without ${name}, which is not here)`).join('');
  return { page, blocks, run, here, path };
}

/** The engines of the lesson whose chapter the page is. */
export function enginesOf(page: Page): readonly EngineName[] {
  return lessonWith(page)?.engines ?? [];
}

/** The lesson whose chapter it is. */
export function lessonWith({ path }: Page): Lesson | undefined {
  return LESSONS.find(({ folder }) => path === `steps/${folder}/README.md`);
}

/** What is wrong with what its blocks print, and what its servers said of their ends. */
export async function mistakesOn({ page, here }: Runnable): Promise<{ wrong: string[]; ends: unknown[] }> {
  const reader = new Reader(page);
  const wrong: string[] = [];
  for (const block of here) {
    const limitMs = needs(block, 'nats-server') ? CLUSTER_MS_MAX : LIMIT_MS;
    const mistake = await reader.mistakeIn(block, limitMs);
    if (mistake !== undefined) wrong.push(`${page.path}:${block.line}: ${mistake}`);
  }
  await reader.close();
  return { wrong, ends: reader.ends };
}
