/**
 * A disk that keeps no more than it promised: what was not synced is lost, torn by sectors or kept, in any mixture, when
 * the power fails. Any call can fail, half-way too, and it can be full.
 */
import type { Access, Disk, DiskFile } from '../../src/journal/disk.ts';

const SECTOR = 512;

/** What happens at a call: it fails before anything is done, after all is done, or in the middle of it. */
export type Fault = { at: 'before' | 'after' | 'half'; error: Error };

interface File {
  now: Buffer;
  /** What is there for certain. */
  synced: Buffer;
}

const systemError = (code: string) =>
  Object.assign(new Error(`${code}: simulated`), { code, syscall: 'simulated' });

export class LyingDisk implements Disk {
  #files = new Map<string, File>();
  #folders = new Set<string>(['']);
  /** The names as they are for certain: path to file; folders have none. */
  #syncedFiles = new Map<string, File>();
  #syncedFolders = new Set<string>(['']);
  readonly #random: () => number;
  /** Bytes of all files. */
  capacity = Infinity;
  calls = 0;
  /** Asked before every call that changes something. */
  fault: (call: string, path: string) => Fault | undefined = () => undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  get used(): number {
    let bytes = 0;
    for (const { now } of this.#files.values()) bytes += now.length;
    return bytes;
  }

  get paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  /** The content of a file, to be looked at or damaged. */
  bytesOf(path: string): Buffer {
    return this.#files.get(path)!.now;
  }

  truncate(path: string, bytes: number): void {
    const file = this.#files.get(path)!;
    file.now = Buffer.from(file.now.subarray(0, bytes));
    file.synced = Buffer.from(file.now);
  }

  copy(): LyingDisk {
    const copy = new LyingDisk(this.#random);
    for (const [path, { now }] of this.#files)
      copy.#files.set(path, { now: Buffer.from(now), synced: Buffer.from(now) });
    copy.#folders = new Set(this.#folders);
    copy.#syncedFiles = new Map(copy.#files);
    copy.#syncedFolders = new Set(this.#folders);
    return copy;
  }

  /** The machine stops: what was not synced is there or not, sector by sector; so are names. */
  powerFails(): void {
    for (const file of this.#files.values()) this.#tear(file);
    // Each name that was not synced is as it was, or as it is.
    for (const path of new Set([...this.#files.keys(), ...this.#syncedFiles.keys()])) {
      const [now, before] = [this.#files.get(path), this.#syncedFiles.get(path)];
      if (now === before || this.#random() < 0.5) continue;
      if (before === undefined) this.#files.delete(path);
      else this.#files.set(path, before);
    }
    for (const path of new Set([...this.#folders, ...this.#syncedFolders])) {
      if (this.#folders.has(path) === this.#syncedFolders.has(path) || this.#random() < 0.5) continue;
      if (this.#syncedFolders.has(path)) this.#folders.add(path);
      else this.#folders.delete(path);
    }
    // From the root down: what is in a folder that is gone is gone.
    for (const path of [...this.#folders].sort())
      if (path !== '' && !this.#folders.has(parentOf(path))) this.#folders.delete(path);
    for (const path of this.#files.keys()) if (!this.#folders.has(parentOf(path))) this.#files.delete(path);
    for (const file of this.#files.values()) file.synced = Buffer.from(file.now);
    this.#syncedFiles = new Map(this.#files);
    this.#syncedFolders = new Set(this.#folders);
  }

  #tear(file: File): void {
    const { now, synced } = file;
    const length = this.#random() < 0.5 ? now.length : Math.min(now.length, synced.length);
    const torn = Buffer.alloc(length);
    now.copy(torn);
    for (let at = 0; at < length; at += SECTOR) {
      const isKept = this.#random() < 0.5;
      if (isKept || now.subarray(at, at + SECTOR).equals(synced.subarray(at, at + SECTOR))) continue;
      torn.fill(0, at, Math.min(at + SECTOR, length));
      if (at < synced.length) synced.copy(torn, at, at, at + SECTOR);
    }
    file.now = torn;
  }

  #call<Result>(call: string, path: string, work: (part: number) => Result): Result {
    this.calls += 1;
    const fault = this.fault(call, path);
    if (fault?.at === 'before') throw fault.error;
    if (fault?.at === 'half') {
      work(this.#random());
      throw fault.error;
    }
    const result = work(1);
    if (fault?.at === 'after') throw fault.error;
    return result;
  }

  open(path: string, access: Access): DiskFile {
    if (access === 'create') this.#call('create', path, part => part === 1 && this.#create(path));
    const file = this.#files.get(path);
    if (file === undefined) throw systemError('ENOENT');
    const write = (views: readonly Uint8Array[], at: number) =>
      this.#call('write', path, part => {
        const bytes = Buffer.concat(views.map(view => Buffer.from(view)));
        this.#write(file, bytes.subarray(0, Math.floor(bytes.length * part)), at);
        // What has been begun durably is kept or not, like any other write.
        if (access === 'durable' && part === 1) file.synced = Buffer.from(file.now);
      });
    return {
      get bytes() {
        return file.now.length;
      },
      read: (into, at) => file.now.copy(into, 0, at, at + into.length),
      write,
      sync: () =>
        this.#call('sync', path, part => {
          if (part === 1) file.synced = Buffer.from(file.now);
        }),
      close: () => {},
    };
  }

  #create(path: string): void {
    if (this.#files.has(path)) throw systemError('EEXIST');
    if (!this.#folders.has(parentOf(path))) throw systemError('ENOENT');
    this.#files.set(path, { now: Buffer.alloc(0), synced: Buffer.alloc(0) });
  }

  #write(file: File, bytes: Buffer, at: number): void {
    const end = at + bytes.length;
    if (end > file.now.length) {
      if (this.used + end - file.now.length > this.capacity) throw systemError('ENOSPC');
      file.now = Buffer.concat([file.now, Buffer.alloc(end - file.now.length)]);
    }
    bytes.copy(file.now, at);
  }

  list(folder: string): string[] {
    const within = (path: string) => parentOf(path) === folder;
    return [...this.#files.keys(), ...this.#folders].filter(path => path !== '' && within(path)).map(nameOf);
  }

  makeFolder(path: string): void {
    this.#call('makeFolder', path, part => {
      if (part === 1) this.#folders.add(path);
    });
  }

  rename(from: string, to: string): void {
    this.#call('rename', to, part => {
      if (part < 1) return;
      const moved = (path: string) =>
        path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
      if (this.#folders.has(from) && this.list(to).length > 0) throw systemError('ENOTEMPTY');
      for (const path of [...this.#folders].filter(each => moved(each) !== each)) {
        this.#folders.delete(path);
        this.#folders.add(moved(path));
        // What is in a folder moves with it: only its own name waits for the sync of its parent.
        if (path !== from && this.#syncedFolders.delete(path)) this.#syncedFolders.add(moved(path));
      }
      for (const [path, file] of [...this.#files].filter(([each]) => moved(each) !== each)) {
        this.#files.delete(path);
        this.#files.set(moved(path), file);
        if (path === from || this.#syncedFiles.get(path) !== file) continue;
        this.#syncedFiles.delete(path);
        this.#syncedFiles.set(moved(path), file);
      }
    });
  }

  remove(path: string): void {
    this.#call('remove', path, part => {
      const within = (each: string) => each === path || each.startsWith(`${path}/`);
      const all = [...this.#files.keys()].filter(within);
      for (const each of all.slice(0, Math.ceil(all.length * part))) this.#files.delete(each);
      if (part === 1) for (const each of [...this.#folders].filter(within)) this.#folders.delete(each);
    });
  }

  syncFolder(path: string): void {
    this.#call('syncFolder', path, part => {
      if (part < 1) return;
      const sync = <Value>(now: ReadonlyMap<string, Value>, synced: Map<string, Value>) => {
        for (const each of [...synced.keys()])
          if (parentOf(each) === path && !now.has(each)) synced.delete(each);
        for (const [each, value] of now) if (parentOf(each) === path) synced.set(each, value);
      };
      sync(this.#files, this.#syncedFiles);
      const folders = new Map([...this.#syncedFolders].map(each => [each, true]));
      sync(new Map([...this.#folders].map(each => [each, true])), folders);
      this.#syncedFolders = new Set(folders.keys());
    });
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
