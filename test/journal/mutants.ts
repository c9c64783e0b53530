/**
 * Mistakes that are easily made in a journal, each to be planted alone into a copy of the sources, and what must find it.
 */
import { ID_MUTANTS } from './id-mutants.ts';
import { inFile, type Mutant } from './mutant.ts';

export const MUTANTS: Mutant[] = [
  ...inFile('journal/lane-writer', [
    ['no write is synced', 'lives', ["? 'durable' : 'write';", "? 'write' : 'write';"]],
    [
      'nothing is written',
      'lives',
      ['this.#open().write([this.#header, ...parts], this.#offset);', 'this.#open();'],
    ],
    [
      'what is written is written half',
      'lives',
      [
        'write([this.#header, ...parts], this.#offset)',
        'write([this.#header, ...parts.slice(0, 1)], this.#offset)',
      ],
    ],
    [
      'a block says that it was synced when it was not',
      'lives',
      ['Number(Atomics.load(this.#memory.counts, Count.synced))', 'this.#number'],
    ],
    [
      'a place is kept before it is whole',
      'lives',
      [
        'places[at + Field.end] = end;',
        'places[at + Field.version] = this.#version; places[at + Field.end] = end;',
      ],
    ],
    [
      'there is one place, not two',
      'lives',
      ['const at = (this.#version & 1) * PLACE_FIELDS;', 'const at = 0;'],
    ],
    [
      'a successor takes the older place',
      'lives',
      ['places[Field.version]! > places[PLACE_FIELDS', 'places[Field.version]! < places[PLACE_FIELDS'],
    ],
    [
      'a run that was written is written again',
      'lives',
      ['if (written > 0) return Math.min(written, available);', ''],
    ],
    [
      'a successor forgets the names that are written',
      'lives',
      ['this.#namesHead = places[at + Field.namesHead]!;', ''],
    ],
    ['runs of large amounts alone leave no trace', 'lives', ['if (amount !== 0) hasEvents = true;', '']],
    [
      'amounts are taken for those of the last run',
      'lives',
      ['this.#amounts[amounts++] = amount;', 'amounts++;'],
    ],
    [
      'a block may be longer than its segment',
      'lives',
      ['if (bytes + more > room) break;', 'if (bytes > room) break;'],
    ],

    [
      'the first block of a segment is told one too late',
      'lives',
      [
        'BigInt(this.#segment) * ENTERED_UNIT + BigInt(this.#number)',
        'BigInt(this.#segment) * ENTERED_UNIT + BigInt(this.#number + 1)',
      ],
    ],
    [
      'a successor in the midst of a segment tells of it anew',
      ['lives', 12],
      ['if (this.#offset > SEGMENT_HEADER_BYTES) return this.#file;', ''],
    ],
  ]),
  ...inFile('journal/archivist', [
    [
      'a sync covers the last segment only',
      ['lives', 15],
      ['for (let segment = first; segment <= last', 'for (let segment = last; segment <= last'],
    ],
    [
      'a segment that was synced is never synced again',
      'lives',
      ['this.#unsynced[lane] = last;', 'this.#unsynced[lane] = last + 1;'],
    ],
    [
      'the segment that is written to is folded',
      'lives',
      ['before: Number(entered / ENTERED_UNIT)', 'before: Number(entered / ENTERED_UNIT) + 1'],
    ],
    [
      'a segment is deleted early',
      'lives',
      ['.filter(segment => segment < before)', '.filter(segment => segment <= before)'],
    ],
    [
      'a snapshot forgets where its lanes go on',
      'lives',
      ['      lanes,\n    });\n    this.#snapshot =', '    });\n    this.#snapshot ='],
    ],
    [
      'a segment is announced before it exists',
      'full',
      [
        '        createSegment(',
        '        Atomics.store(words, Word.prepared, prepared + 1);\n        createSegment(',
      ],
    ],
    [
      'there is room in a segment that does not exist',
      'full',
      ['BigInt(bytesBefore(prepared + 1, segmentBytes))', 'BigInt(bytesBefore(prepared + 2, segmentBytes))'],
    ],
    ['a disk that has room again is thought full', 'full', ['Atomics.store(words, Word.full, 0);', '']],
  ]),
  ...inFile('journal/snapshot', [
    [
      'a snapshot is not synced before its rename',
      'lives',
      ['    file.sync();\n    isWhole = true;', '    isWhole = true;'],
    ],
    [
      "a snapshot's name is not synced",
      'lives',
      ['  disk.rename(beside, path);\n  disk.syncFolder(folder);', '  disk.rename(beside, path);'],
    ],
    [
      'a snapshot has its own name from the beginning',
      ['lives', 110],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: of the source
      ['const beside = `${path}.tmp`;', 'const beside = path;'],
      ['  disk.rename(beside, path);\n', ''],
    ],
    ['indices are those of the last start', 'lives', ['newIndexOf[index] ?? index', 'index']],
    [
      'the checksum of a snapshot is not looked at',
      ['damage', 49],
      ["  if (!isWhole) throw new Damage(path, end, 'the checksum of the snapshot is wrong');\n", ''],
    ],
  ]),
  ...inFile('journal/folder', [
    [
      'the zeros of a segment are not synced',
      'lives',
      [
        '      file.sync();\n    } finally {\n      file.close();\n    }\n  } catch',
        '    } finally {\n      file.close();\n    }\n  } catch',
      ],
    ],
    [
      "a segment's name is not synced",
      'lives',
      ['  disk.rename(beside, path);\n  disk.syncFolder(folder);', '  disk.rename(beside, path);'],
    ],
    [
      'a start is announced before its folder is there for certain',
      ['lives', 858],
      ['  disk.rename(beside, folder);\n  disk.syncFolder(dir);', '  disk.rename(beside, folder);'],
    ],
    [
      'the number of the last start is not synced',
      'lives',
      [
        '    file.sync();\n  } finally {\n    file.close();\n  }\n  disk.rename(beside, `',
        '  } finally {\n    file.close();\n  }\n  disk.rename(beside, `',
      ],
    ],
  ]),
  ...inFile('journal/recovery', [
    [
      'the first snapshot of a start is read, not the last',
      'lives',
      ['snapshotName).at(-1);', 'snapshotName).at(0);'],
    ],
  ]),
  ...inFile('journal/lane-reader', [
    [
      'a block is taken for whatever block is wanted',
      ['lives', 34],
      ['if (block.number !== number) {', 'if (false) {'],
    ],
    [
      'what is missing before a block is no damage',
      'damage',
      ['if (block.synced > number)', 'if (block.synced < 0)'],
    ],
    [
      'nobody looks behind a block that is not whole',
      'damage',
      ['      lookBehind(bytes, offset, whole, secret, number, file);\n', ''],
    ],
    [
      'the last segment may be missing',
      'damage',
      ['if (before === Infinity && end.segment', 'if (before < 0 && end.segment'],
    ],
  ]),
  ...inFile('journal/format', [
    [
      'the checksum is without the header',
      'damage',
      ['crc32(header.subarray(At.bytes), secret.start)', 'secret.start'],
      ['bytes.subarray(at + At.bytes, at + length)', 'bytes.subarray(at + BLOCK_HEADER_BYTES, at + length)'],
    ],
    [
      'the checksum is not looked at',
      'damage',
      ['if (crc !== bytes.readUInt32LE(at + At.crc)) return undefined;', ''],
    ],
    [
      'a segment may have any size',
      'damage',
      ['if (bytes.length !== size) throw', 'if (bytes.length < 0) throw'],
    ],
  ]),
  ...inFile('journal/ledger', [
    [
      'an event that overflowed is applied when it comes back',
      'lives',
      ['if (!isOver) balances[user] = sum;', 'balances[user] = sum;'],
    ],
  ]),
  ...inFile('journal/names', [
    [
      'a name may be written over before it is in the journal',
      'full',
      ['if (((ringHead - sequence) | 0) <= 0) return false;', ''],
    ],
  ]),
  ...inFile('journal/recorder', [
    [
      'an event is thought smaller than it can be',
      ['full', 2],
      ['BLOCK_HEADER_BYTES + 2 * SLOT_BYTES + EXTRA_BYTES;', '2 * SLOT_BYTES;'],
    ],
    ['what is queued needs no room', 'full', [' - ((tail - head) | 0);', ';']],
    ['names need no room', 'full', [' - LOST_BYTES - names.length;', ' - LOST_BYTES;']],
  ]),
  ...ID_MUTANTS,
];
