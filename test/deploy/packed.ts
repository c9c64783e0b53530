/** The package as a machine gets it that has no checkout: one file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../../src/tools/harness/root.ts';
import { outputOf } from '../support/output.ts';

/** What npm has fetched before need not be fetched again. */
const env = { ...process.env, npm_config_prefer_offline: 'true', npm_config_audit: 'false' };

/** Its output; throws if it does not end with `exitCode`. */
export async function run(
  program: string,
  args: string[],
  cwd: string,
  exitCode = 0,
  more: Record<string, string> = {},
): Promise<string> {
  const child = spawn(program, args, { cwd, env: { ...env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = outputOf(child);
  const [ended] = await once(child, 'close');
  if (ended !== exitCode)
    throw new Error(`${program} ${args.join(' ')} ended with ${ended}: ${output.stdout}${output.stderr}`);
  return output.stdout + output.stderr;
}

/** Packs what was built before, as by `npm run long`, into a folder. */
export async function pack(folder: string): Promise<{ file: string; paths: string[] }> {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const printed = await run('npm', args, ROOT);
  // A warning of npm's may stand behind the JSON.
  const [packed] = JSON.parse(/^\[.*^\]$/ms.exec(printed)![0]) as {
    filename: string;
    files: { path: string }[];
  }[];
  return { file: join(folder, packed!.filename), paths: packed!.files.map(({ path }) => path) };
}
