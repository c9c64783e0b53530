/** A server of a lesson with a fault planted in it, to see that the witness finds it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from '../../src/tools/harness/root.ts';
import { freePort, startOnPort } from '../../src/tools/harness/server.ts';
import type { Source } from '../../steps/kit/server.ts';
import type { Subject } from '../../steps/lesson-kit/lesson.ts';
import type { Place } from '../../steps/lesson-kit/place.ts';
import { flagArgs, ownOf } from '../../steps/lesson-kit/sources.ts';

export interface Fault {
  name: string;
  /** In the folder of the side. */
  file: string;
  /** Stands there once. */
  from: string;
  to: string;
}

const START_MS_MAX = 60_000;

/** Runs `use` on the side with that fault, compiled, so that it starts as quickly as without. Packages are found from there. */
export async function onMutant<T>(
  subject: Subject,
  { file, from, to }: Fault,
  place: Place,
  use: (source: Source) => Promise<T>,
): Promise<T> {
  const { lesson, side } = subject;
  const folder = mkdtempSync(join(ROOT, 'dist', 'mutant-'));
  try {
    const original = join(ROOT, 'steps', lesson.folder, side);
    for (const name of readdirSync(original)) {
      const parts = readFileSync(join(original, name), 'utf8').split(name === file ? from : '\0');
      if (name === file && parts.length !== 2)
        throw new Error(`${from} stands ${parts.length - 1} times in ${file}`);
      writeFileSync(join(folder, name.replace(/\.ts$/, '.js')), compiled(parts.join(to)));
    }
    return await use({
      name: `${side} with a fault`,
      subject: undefined,
      isStarted: true,
      async start(settings) {
        const port = await freePort();
        const flags = flagArgs(subject, port, ownOf(lesson, place, settings));
        const args = [join(folder, 'server.js'), ...flags];
        return startOnPort({ name: 'mutant', program: process.execPath, args }, port, START_MS_MAX);
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function compiled(text: string): string {
  const { target, module } = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
  const compilerOptions = { target, module, rewriteRelativeImportExtensions: true };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}
