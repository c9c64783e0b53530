/**
 * How often each place of a source file was run, from what V8 counted in the JavaScript made of it.
 *
 * V8 counts ranges of the text it ran, one within another; the innermost around a place has its count. A source map
 * says which place of the source a place of that text comes from. Here it is read the other way round.
 */
import { SourceMap, type SourceMapPayload } from 'node:module';
import type { Part } from './parts.ts';

/** What V8 says of a script. */
export interface ScriptCounts {
  scriptId: string;
  url: string;
  functions: { ranges: { startOffset: number; endOffset: number; count: number }[] }[];
  /** The text that was run, if it is no file. */
  source?: string;
}

/** The text that was run, as the places in it that come from a place in the source. */
export interface Generated {
  /** Lines and columns of the source as one number, in order (see `placeOf`), and where each came to lie. */
  places: Float64Array;
  offsets: Float64Array;
}

const COLUMNS_MAX = 1_000_000;

export const placeOf = (line: number, column: number) => line * COLUMNS_MAX + column;

/** The mappings of a script of one source file; `prefixColumns` were put in front of the mapped text. */
export function readMap(payload: SourceMapPayload, lineLengths: number[], prefixColumns = 0): Generated {
  const map = new SourceMap(payload);
  const found = new Map<number, number>();
  let lineStart = 0;
  for (const [line, length] of lineLengths.entries()) {
    const shift = line === 0 ? prefixColumns : 0;
    for (let column = 0; column <= length - shift; column++) {
      const entry = map.findEntry(line, column);
      if (!('originalLine' in entry) || entry.generatedLine !== line || entry.generatedColumn !== column)
        continue;
      const place = placeOf(entry.originalLine, entry.originalColumn);
      if (!found.has(place)) found.set(place, lineStart + shift + column);
    }
    lineStart += length + 1;
  }
  const places = Float64Array.from(found.keys()).sort();
  return { places, offsets: places.map(place => found.get(place)!) };
}

/** The counts of one script. */
export class Counts {
  readonly #generated: Generated;
  /** Outer ranges before those within them. */
  readonly #ranges: { startOffset: number; endOffset: number; count: number }[];

  constructor(generated: Generated, { functions }: Pick<ScriptCounts, 'functions'>) {
    this.#generated = generated;
    this.#ranges = functions
      .flatMap(({ ranges }) => ranges)
      .sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  }

  /**
   * How often the first mapped place from `place` on, and before `end`, was run; undefined if there is none, as in
   * code that is only types.
   */
  at(place: number, end: number): number | undefined {
    const { places, offsets } = this.#generated;
    let low = 0;
    for (let high = places.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (places[middle]! < place) low = middle + 1;
      else high = middle;
    }
    if (low === places.length || places[low]! >= end) return undefined;
    const offset = offsets[low]!;
    let count: number | undefined;
    for (const range of this.#ranges) {
      if (range.startOffset > offset) break;
      if (range.endOffset > offset) count = range.count;
    }
    return count;
  }
}

/** Whether this script has run a part. */
export function isRunIn(counts: Counts, { span, less }: Part): boolean {
  const count = counts.at(span.place, span.end);
  if (count === undefined) return false;
  return less === undefined ? count > 0 : count > (counts.at(less.place, less.end) ?? count);
}
