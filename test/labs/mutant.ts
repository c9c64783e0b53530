/** Files of a lab with a fault planted in one of them, in a folder beside the compiled ones. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../src/tools/harness/root.ts';

export interface Fault {
  name: string;
  file: string;
  /** Stands there once. */
  from: string;
  to: string;
}

/** Gives `use` the folder of the lab; without a fault, an unchanged copy. */
export async function withCopy<T>(
  lab: string,
  fault: Fault | undefined,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const place = mkdtempSync(join(ROOT, 'dist', 'mutant-'));
  const folder = join(place, 'labs', lab);
  try {
    cpSync(join(ROOT, 'steps/labs', lab), folder, { recursive: true });
    // What the lab takes from a step.
    cpSync(join(ROOT, 'steps/08-sharded-locks'), join(place, '08-sharded-locks'), { recursive: true });
    if (fault !== undefined) plant(folder, fault);
    return await use(folder);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function plant(folder: string, { file, from, to }: Fault): void {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2) throw new Error(`${from} stands ${parts.length - 1} times in ${file}`);
  writeFileSync(path, parts.join(to));
}
