/** Reads and prints durations and counts as people write them. */

const MS_PER_UNIT: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const PER_SUFFIX: Record<string, number> = { '': 1, k: 1_000, M: 1_000_000 };

/** Reads `500ms`, `10s`, `1.5m`, `1h`; a bare number is seconds. Milliseconds, or undefined if it is no duration. */
export function readDurationMs(text: string): number | undefined {
  const match = /^(\d[\d_]*(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  return match ? Number(match[1]!.replaceAll('_', '')) * MS_PER_UNIT[match[2] ?? 's']! : undefined;
}

/** Reads `50000`, `50_000`, `50k`, `1.5M`. Undefined if it is no count. */
export function readCount(text: string): number | undefined {
  const match = /^(\d[\d_]*(?:\.\d+)?)([kM]?)$/.exec(text.trim());
  return match ? Number(match[1]!.replaceAll('_', '')) * PER_SUFFIX[match[2]!]! : undefined;
}

/** `1,234,567`. By hand, as the first number that Intl formats costs each process 12 ms of processor time. */
export function count(value: number): string {
  if (value === Infinity) return '∞';
  return String(Math.round(value)).replace(THOUSANDS, ',');
}

const THOUSANDS = /\B(?=(?:\d{3})+$)/g;

/** `1,234.57`: with two decimals at most. */
export function decimal(value: number): string {
  const [, whole, rest = ''] = /^(-?\d+)(\.\d+)?$/.exec(String(Number(value.toFixed(2)))) ?? [];
  return whole === undefined ? String(value) : whole.replace(THOUSANDS, ',') + rest;
}

/** Milliseconds with three significant digits or more: `0.081`, `12.1`, `1,013`; `–` where there is no value. */
export function ms(value: number | null): string {
  if (value === null) return '–';
  if (value >= 1_000) return count(value);
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 2 : 3);
}

/** `950 ms`, `10 s`, `1 m 30 s`. */
export function duration(valueMs: number): string {
  if (valueMs < 1_000) return `${Math.round(valueMs)} ms`;
  const seconds = Math.round(valueMs / 100) / 10;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  const rest = Math.round(seconds) % 60;
  return rest === 0 ? `${minutes} m` : `${minutes} m ${rest} s`;
}
