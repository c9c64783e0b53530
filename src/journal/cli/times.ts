/** Moments, as people write them: ISO 8601, a date, or how long ago. */
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { UsageError } from '../../cli/terminal/usage.ts';

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DATE = /^\d{4}-\d\d-\d\d$/;
const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?$/;

/** In milliseconds since 1970. Without a zone, it is UTC. */
export function readTime(text: string, flag: string, nowMs = Date.now()): number {
  const timeMs = agoMs(text, nowMs) ?? momentMs(text);
  if (Number.isNaN(new Date(timeMs).getTime()))
    throw new UsageError(
      `${flag} ${quoteIfNeeded(text)} is no time, such as 2026-11-29T12:00:00Z, 2026-11-29 or 10m (10 minutes ago)`,
    );
  return timeMs;
}

function agoMs(text: string, nowMs: number): number | undefined {
  const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  return unit === undefined ? undefined : nowMs - Number(digits) * MS_PER_UNIT[unit]!;
}

function momentMs(text: string): number {
  const [, day = text, time = '00:00', zone = 'Z'] = MOMENT.exec(text) ?? [];
  return DATE.test(day) && isDay(day) ? Date.parse(`${day}T${time}${zone}`) : Number.NaN;
}

/** The 31st of February would be taken for a day in March. */
function isDay(day: string): boolean {
  const timeMs = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(timeMs) && timeText(timeMs).startsWith(day);
}

export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
