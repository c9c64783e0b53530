/**
 * `--journal-keep`: what of a journal is kept though a snapshot has it.
 */
import type { Keep } from '../journal/archivist.ts';

const TIMES: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12 };

/** Undefined if it is none of: none, all, a time, a size. */
export function parseKeep(text: string): Keep | undefined {
  if (text === 'none') return { ms: 0, bytes: 0 };
  if (text === 'all') return { ms: Infinity, bytes: Infinity };
  const [, digits, unit] = /^(\d{1,9})([a-zA-Z]+)$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const [time, size] = [TIMES[unit], SIZES[unit]];
  if (time !== undefined) return { ms: Number(digits) * time, bytes: 0 };
  return size === undefined ? undefined : { ms: 0, bytes: Number(digits) * size };
}
