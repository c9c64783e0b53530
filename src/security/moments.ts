/** Moments in the file of tokens: ISO 8601, or a date, which is its first moment. Without a zone, they are in UTC. */

const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/** Milliseconds since 1970; undefined if it is no moment. */
export function readMoment(text: string): number | undefined {
  const [, day, time = '00:00', zone = 'Z'] = MOMENT.exec(text) ?? [];
  if (day === undefined || !isDay(day)) return undefined;
  const timeMs = Date.parse(`${day}T${time}${zone}`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** As `readMoment` reads it; milliseconds only where there are some. */
export function momentText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('.000Z', 'Z');
}

/** The 31st of February would be taken for a day in March. */
function isDay(day: string): boolean {
  const timeMs = Date.parse(`${day}T00:00Z`);
  return !Number.isNaN(timeMs) && momentText(timeMs).startsWith(day);
}
