/** A file of lines that grows at its end, and is never changed otherwise. */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';

const NEWLINE = 10;

export class Log {
  readonly #file: FileHandle;
  /** Appended, and not yet handed to a write. */
  #lines = '';
  #last: Promise<void> = Promise.resolve();
  /** A write that has not begun: it will take with it all that is appended until then. */
  #next: Promise<void> | undefined;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Reads all lines from the first one on. The file is made if there is none. */
  static async open(path: string, replay: (line: string) => void): Promise<Log> {
    const file = await open(path, 'a+');
    const bytes = await file.readFile();
    // What stands behind the last newline was cut off by the crash. It was not written, so nobody was told that it is.
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    await file.truncate(end);
    await file.sync();
    // The name of a new file is kept by its folder.
    const folder = await open(dirname(path));
    await folder.sync();
    await folder.close();
    for (const line of bytes.toString('utf8', 0, end).split('\n').slice(0, -1)) replay(line);
    return new Log(file);
  }

  append(line: string): void {
    this.#lines += `${line}\n`;
  }

  /** Resolves when all that was appended before is on the disk. */
  written(): Promise<void> {
    this.#next ??= this.#last = this.#last.then(() => this.#write());
    return this.#next;
  }

  /** One write and one sync, for all who came while the one before was under way. */
  async #write(): Promise<void> {
    const lines = this.#lines;
    this.#lines = '';
    this.#next = undefined;
    if (lines === '') return;
    try {
      await this.#file.appendFile(lines);
      await this.#file.datasync();
    } catch (error) {
      // What is on the disk now, nobody knows. The next start will read it.
      console.error(error);
      process.exit(1);
    }
  }
}
