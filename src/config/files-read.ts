/** What a reload has found in the files that it has read again. Nothing that is in them is repeated: they hold secrets. */

/** Of a file of entries: tokens, keys. An entry with another token or key is one that is gone, and one that is new. */
export interface EntriesRead {
  readonly entries: number;
  readonly added: number;
  readonly removed: number;
  /** They allow something else than before. */
  readonly changed: number;
}

/** Of any other file: whether something else is in it. */
export interface ContentRead {
  readonly differs: boolean;
}

/** By the names of the settings that name the files. */
export type FilesRead = Record<string, EntriesRead | ContentRead>;

/** A part of a line of the log for each. */
export function textsOf(files: FilesRead): string[] {
  return Object.entries(files).map(([name, file]) => {
    if ('differs' in file) return `${name} is ${file.differs ? 'another' : 'the same'}`;
    const { entries, added, removed, changed } = file;
    const news = [
      ...(added > 0 ? [`${added} new`] : []),
      ...(removed > 0 ? [`${removed} gone`] : []),
      ...(changed > 0 ? [`${changed} changed`] : []),
    ];
    const many = entries === 1 ? '1 entry' : `${entries} entries`;
    return `${name} has ${many}, ${news.join(', ') || 'the same'}`;
  });
}
