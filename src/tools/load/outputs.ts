/** Where the results of a run go. What cannot be written is found before the run, as far as that can be known. */
import { accessSync, constants, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError } from '../../cli/terminal/command.ts';
import { printForMachines, reasonOf } from '../../cli/terminal/output.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { UsageError } from '../../cli/terminal/usage.ts';

const STANDARD_OUTPUT = ['-', '/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'];

/** By whatever name: opened once more, a file would lose what was printed to it, and a socket cannot be opened. */
export function isStandardOutput(file: string | undefined): boolean {
  return file !== undefined && STANDARD_OUTPUT.includes(file);
}

/** Throws what is wrong with it as a mistake in `flag`. */
export function checkWritable(flag: string, file: string): void {
  if (isStandardOutput(file)) return;
  const folder = dirname(file);
  try {
    if (file === '') throw new Error('it needs the name of a file');
    const is = statSync(file, { throwIfNoEntry: false });
    if (is?.isDirectory()) throw new Error('it is a folder');
    if (is === undefined && !statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      throw new Error(`there is no folder ${folder}`);
    if (is === undefined && file.endsWith('/')) throw new Error('there is no such folder');
    accessSync(is === undefined ? folder : file, constants.W_OK);
  } catch (error) {
    throw new UsageError(`${flag} ${quoteIfNeeded(file)} cannot be written: ${reasonOf(error)}`);
  }
}

/** The files of `--hdr`, by name; a pipe or a device takes all in one. */
export function histogramFiles(name: string): { corrected: string; uncorrected: string } {
  const is = statSync(name, { throwIfNoEntry: false });
  const isOne = isStandardOutput(name) || (is !== undefined && !is.isFile() && !is.isDirectory());
  return isOne
    ? { corrected: name, uncorrected: name }
    : { corrected: `${name}.corrected.hgrm`, uncorrected: `${name}.uncorrected.hgrm` };
}

/** Also to pipes and devices. Waits for the reader of a pipe that has none yet. */
export async function writeText(file: string, text: string): Promise<void> {
  if (isStandardOutput(file)) return printForMachines(text);
  try {
    // What a device stands for may have been written to already.
    await writeFile(file, text, { flag: file.startsWith('/dev/') ? 'a' : 'w' });
  } catch (error) {
    throw new CommandError(`${file} cannot be written: ${reasonOf(error)}`);
  }
}
