/**
 * The map to Rust says what `rustc` says: every program compiles without a warning, every refused one is refused for the
 * one reason it names, every listing is the file, and a server of it does what Tally's check asks of it.
 *
 * Where there is no `rustc` those tests are left out, and their names say so. `.ci/run` installs none: that would be
 * hundreds of megabytes.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../support/server.ts';
import { ROOT } from './pages.ts';

const MAP = join(ROOT, 'docs/course/rust-map');
const read = (path: string) => readFileSync(join(MAP, path), 'utf8');
const filesIn = (folder: string, ending: string) =>
  readdirSync(join(MAP, folder))
    .filter(name => name.endsWith(ending))
    .map(name => join(folder, name));

const pages = filesIn('.', '.md').map(path => ({ path, text: read(path) }));
const programs = filesIn('programs/src/bin', '.rs');
const refused = filesIn('refused', '.rs');
const [version] = /\d+\.\d+/.exec(spawnSync('rustc', ['--version'], { encoding: 'utf8' }).stdout ?? '') ?? [];
const hasRustc = version !== undefined;
const without = hasRustc ? '' : ' (left out: there is no rustc)';
/** The one whose messages the pages show. */
const SHOWN_VERSION = '1.95';
/** Seconds, on a machine that has nothing else to do. */
const LIMIT_MS = 120_000;

const place = mkdtempSync(join(tmpdir(), 'tally-rust-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

interface Said {
  exitCode: number;
  stderr: string;
}

/** In the folder of the file, so that messages name the file alone. */
function rustc(file: string, ...flags: string[]): Promise<Said> {
  const cwd = join(MAP, file, '..');
  const args = ['--edition', '2021', '-D', 'warnings', '--out-dir', place, ...flags, basename(file)];
  return new Promise(resolve =>
    execFile('rustc', args, { cwd }, (error, _, stderr) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code), stderr }),
    ),
  );
}

/** Two at a time: as many cores as the suite may count on. */
async function rustcAll(files: readonly string[], ...flags: string[]): Promise<Map<string, Said>> {
  const said = new Map<string, Said>();
  const left = [...files];
  const work = async () => {
    for (let file = left.shift(); file !== undefined; file = left.shift())
      said.set(file, await rustc(file, ...flags));
  };
  await Promise.all([work(), work()]);
  return said;
}

const LIBRARY_FLAGS = ['--crate-name', 'tally_rust_map', '--crate-type', 'lib'];
const EXTERN = ['--extern', `tally_rust_map=${join(place, 'libtally_rust_map.rlib')}`];

describe.skipIf(!hasRustc)(`rustc${without}`, () => {
  let saidOfLibrary: Said;
  let saidOfRefused: Map<string, Said>;

  beforeAll(async () => {
    [saidOfLibrary, saidOfRefused] = await Promise.all([
      rustc('programs/src/lib.rs', ...LIBRARY_FLAGS),
      rustcAll(refused, '--emit=metadata'),
    ]);
  }, LIMIT_MS);

  test(
    'compiles every program of the standard library alone, without a warning',
    async () => {
      expect(saidOfLibrary).toEqual({ exitCode: 0, stderr: '' });
      const said = await rustcAll(programs, '--emit=metadata', ...EXTERN);
      expect(programs.length).toBeGreaterThanOrEqual(10);
      expect([...said].filter(([, { exitCode, stderr }]) => exitCode !== 0 || stderr !== '')).toEqual([]);
    },
    LIMIT_MS,
  );

  test('refuses every program that must not compile, for the one reason that it names', () => {
    expect(refused.length).toBeGreaterThanOrEqual(10);
    for (const file of refused) {
      const reason = /^\/\/! refused: (\w+)$/m.exec(read(file))?.[1];
      const { exitCode, stderr } = saidOfRefused.get(file)!;
      expect(exitCode, file).not.toBe(0);
      // A lint has no number; it is named in the note about the warnings that are errors here.
      const reasons = [...stderr.matchAll(/^error\[(E\d+)\]|`-D ([\w-]+)` implied/gm)];
      expect(
        reasons.map(match => match[1] ?? match[2]!.replaceAll('-', '_')),
        stderr,
      ).toEqual([reason]);
      expect(stderr).toContain('aborting due to 1 previous error');
    }
  });

  test.skipIf(version !== SHOWN_VERSION)(`says what the pages say (of ${SHOWN_VERSION})`, () => {
    const shown = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/^<!-- refused: (\S+) -->\n```text\n([\s\S]*?)^```$/gm)].map(match => ({
        path,
        file: match[1]!,
        message: match[2]!,
      })),
    );
    expect(shown.map(({ file }) => file).sort()).toEqual([...refused].sort());
    const drifted = shown.filter(({ file, message }) => !saidOfRefused.get(file)!.stderr.includes(message));
    expect(drifted).toEqual([]);
  });

  test(
    'makes of step 6 a server that passes its check, and loses updates',
    async () => {
      const [file] = programs.filter(path => path.endsWith('step_06_lost.rs'));
      expect(await rustc(file!, ...EXTERN)).toEqual({ exitCode: 0, stderr: '' });
      const command = join(place, 'step_06_lost');
      const [check, pain] = await Promise.all([
        runCli(['check', '6', '--quick', '--json', '--cmd', command]),
        runCli(['pain', '6', '--json', '--cmd', command]),
      ]);
      expect(JSON.parse(check.stdout)).toMatchObject({ step: 6, passed: true });
      expect(JSON.parse(pain.stdout.trim().split('\n').at(-1)!)).toMatchObject({
        pain: 6,
        observed: 'present',
      });
    },
    LIMIT_MS,
  );
});

describe('the pages', () => {
  const listings = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/^<!-- listing: (\S+) -->\n```rust\n([\s\S]*?)^```$/gm)].map(match => ({
      path,
      file: match[1]!,
      listing: match[2]!,
    })),
  );

  test('every listing is its file, or a part of it', () => {
    const drifted = listings.filter(({ file, listing }) => !`\n${read(file)}`.includes(`\n${listing}`));
    expect(drifted).toEqual([]);
    const blocks = pages.flatMap(({ text }) => text.match(/^```rust$/gm) ?? []);
    expect(listings.length).toBe(blocks.length);
  });

  test('every program is shown, and has at most 80 lines', () => {
    const all = [...programs, ...filesIn('crates/src/bin', '.rs')];
    const shown = new Set(listings.map(({ file }) => file));
    expect(all.filter(file => !shown.has(file))).toEqual([]);
    expect([...all, ...refused].filter(file => read(file).split('\n').length - 1 > 80)).toEqual([]);
  });

  test('every chapter leads to its page, and the page back', () => {
    const chapters = readdirSync(join(ROOT, 'steps')).filter(name => /^(?:0[1-9]|10)-/.test(name));
    expect(chapters.length).toBe(10);
    for (const chapter of chapters) {
      const [page] = pages.filter(({ path }) => path.startsWith(chapter.slice(0, 3)));
      const text = readFileSync(join(ROOT, 'steps', chapter, 'README.md'), 'utf8');
      expect(text).toContain(
        `The programs: [docs/course/rust-map](../../docs/course/rust-map/${page!.path}).`,
      );
      expect(page!.text).toContain(`(../../../steps/${chapter}/README.md#the-same-in-rust)`);
    }
  });
});

const manifest = ['--offline', '--manifest-path', join(MAP, 'crates/Cargo.toml')];
const hasCrates = spawnSync('cargo', ['metadata', '--format-version', '1', ...manifest]).status === 0;

test.skipIf(!hasCrates)(
  `cargo checks the programs with crates${hasCrates ? '' : ' (left out: their crates are not here)'}`,
  () => {
    const env = { ...process.env, RUSTFLAGS: '-D warnings' };
    const { status, stderr } = spawnSync('cargo', ['check', ...manifest], { env, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  },
  300_000,
);
