/** The blocks of a page that are run, and running them in the order of the page. */
import { spawnSync } from 'node:child_process';
import type { EngineName } from '../../steps/lesson-kit/engines/engine.ts';
import { LESSONS } from '../../steps/lesson-kit/lessons.ts';
import { markOf, Reader } from './blocks.ts';
import type { Block, Page } from './pages.ts';

const LIMIT_MS = 20_000;
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
  const wanted = ['nc', 'ncat', 'socat', 'openssl', 'curl'].filter(name =>
    run.some(({ text }) => new RegExp(`\\b${name} `).test(text)),
  );
  const absent = wanted.filter(name => !isHere(name));
  const here = run.filter(({ text }) => !absent.some(name => new RegExp(`\\b${name} `).test(text)));
  const path = page.path + absent.map(name => ` (without ${name}, which is not here)`).join('');
  return { page, blocks, run, here, path };
}

/** The engines of the lesson whose chapter the page is. */
export function enginesOf({ path }: Page): readonly EngineName[] {
  return LESSONS.find(({ folder }) => path === `steps/${folder}/README.md`)?.engines ?? [];
}

/** What is wrong with what its blocks print, and what its servers said of their ends. */
export async function mistakesOn({ page, here }: Runnable): Promise<{ wrong: string[]; ends: unknown[] }> {
  const reader = new Reader(page);
  const wrong: string[] = [];
  for (const block of here) {
    const mistake = await reader.mistakeIn(block, LIMIT_MS);
    if (mistake !== undefined) wrong.push(`${page.path}:${block.line}: ${mistake}`);
  }
  await reader.close();
  return { wrong, ends: reader.ends };
}
