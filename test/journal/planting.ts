/** Plants a mistake into a copy of the sources, and of what tests them, and says what finds it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = ['protocol', 'threads', 'engine', 'journal'];
const TESTS = [
  'life',
  'world',
  'plan',
  'told',
  'noted-lane',
  'traffic',
  'hiring',
  'lying-disk',
  'random',
  'harm',
  'filling',
  'asked-archivist',
];
/** Every seventh byte: enough for each kind of byte of a header to be among them. */
const STRIDE = 7;
/** So many disks fill up, with each kind of event. */
const DISKS = 3;

/**
 * What the check complained of first, with the run that did; undefined: none of so many lives did. Throws if the mistake is
 * none that can be run: then whatever is found is not it.
 */
export async function complaintOf(mutant: Mutant, lives: number): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'tally-journal-mutant-'));
  try {
    for (const source of SOURCES)
      cpSync(join(ROOT, 'src', source), join(folder, 'src', source), { recursive: true });
    for (const test of TESTS)
      cpSync(join(ROOT, 'test/journal', `${test}.ts`), join(folder, 'test/journal', `${test}.ts`));
    const path = join(folder, 'src', `${mutant.file}.ts`);
    let code = readFileSync(path, 'utf8');
    for (const [text, becomes] of mutant.changes) {
      const parts = code.split(text);
      if (parts.length !== 2)
        throw new Error(`${mutant.what}: its text is ${parts.length - 1} times in ${mutant.file}, not once`);
      code = parts.join(becomes);
    }
    writeFileSync(path, code);
    return await check(mutant, join(folder, 'test/journal'), lives);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function check({ check, first }: Mutant, folder: string, lives: number): Promise<string | undefined> {
  const load = <Module>(name: string) =>
    import(/* @vite-ignore */ join(folder, `${name}.ts`)) as Promise<Module>;
  const { live } = await load<typeof import('./life.ts')>('life');
  const harm = await load<typeof import('./harm.ts')>('harm');
  const { fillUp, KINDS } = await load<typeof import('./filling.ts')>('filling');
  let run = 0;
  try {
    if (check === 'lives') for (run = first; run < first + lives; run++) live(run);
    else if (check === 'damage') damage(harm, first);
    else
      for (run = first; run < first + DISKS; run++)
        for (const [name, kind] of KINDS) {
          const { isFull, whenFull, afterwards, isFullAfterwards } = fillUp(kind, run);
          if (!isFull || whenFull > 0) return `${name}: accepted on a full disk`;
          if (afterwards === 0 || isFullAfterwards) return `${name}: refused though there is room`;
        }
  } catch (error) {
    return `${run > 0 ? `run ${run}: ` : ''}${(error as Error).message}`;
  }
  return undefined;
}

/** Each file is damaged, the `first` one first. */
function damage(
  { journalOf, balancesOn, changed, cut, without }: typeof import('./harm.ts'),
  first: number,
): void {
  const disk = journalOf(1, true);
  const whole = balancesOn(disk);
  const look = (what: string, after: { balances: string } | { damage: string }) => {
    if ('balances' in after && after.balances !== whole) throw new Error(`${what}: other balances came back`);
  };
  const { paths } = disk;
  for (const path of [...paths.slice(first - 1), ...paths.slice(0, first - 1)]) {
    for (const andBehind of [false, true]) look(`without ${path}`, without(disk, path, andBehind));
    for (const { at, after } of changed(disk, path, STRIDE)) look(`${path}, byte ${at}`, after);
    for (const { at, after } of cut(disk, path, STRIDE * 9)) look(`${path}, cut at ${at}`, after);
  }
}
