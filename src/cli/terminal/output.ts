/**
 * What commands print. Text is for people, in the characters of their locale; bytes are for machines, and stay as they
 * are. Output that can't be written ends the command: in one line, or quietly if its reader has gone.
 */
import { asciiOf } from './ascii.ts';
import { hasUnicode } from './terminal.ts';

const UNWRITTEN = 1;
/** What a shell reports of a program that SIGPIPE ended. */
const READER_GONE = 141;

/** To be called once, before the first output. `onReaderGone`: as in `tally pain --all | head -3`. */
export function prepareOutput(
  command: string,
  onReaderGone: () => void = () => process.exit(READER_GONE),
): void {
  const { stdout, stderr } = process;
  stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return onReaderGone();
    stderr.write(`${command}: standard output cannot be written: ${reasonOf(error)}\n`);
    // Servers that were started end with this process.
    process.exit(UNWRITTEN);
  });
  // There is nobody to be told.
  stderr.on('error', () => {});
  if (!hasUnicode()) for (const out of [stdout, stderr]) writeAscii(out);
}

function writeAscii(out: NodeJS.WriteStream): void {
  const write = out.write.bind(out) as (chunk: unknown, ...rest: unknown[]) => boolean;
  out.write = (chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === 'string' ? asciiOf(chunk) : chunk, ...rest);
}

/** JSON, or a script: UTF-8 in any locale, and nothing that a terminal would obey. */
export function printForMachines(text: string, out: NodeJS.WriteStream = process.stdout): void {
  const safe = text.replace(/[\u0080-\u009f]/g, character => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  out.write(Buffer.from(safe));
}

/** Why a file or a stream can't be used, in the system's words: `no space left on device`. */
export function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return /^[A-Z0-9]+: ([^,]+)/.exec(message)?.[1] ?? message;
}
