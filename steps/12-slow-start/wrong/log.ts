/** What a log says: events, a line each, as clients sent them, with the time at which they came. */
import { createReadStream } from 'node:fs';
import { type Event, parse } from './request.ts';

/** Reads from a byte on; others are let in between its pieces. Returns where the last whole line ends. */
export async function replay(path: string, end: number, apply: (event: Event) => void): Promise<number> {
  let rest = Buffer.alloc(0);
  for await (const piece of createReadStream(path, { start: end, flags: 'a+' })) {
    const bytes = Buffer.concat([rest, piece]);
    const whole = bytes.lastIndexOf('\n') + 1;
    for (const line of bytes.toString('utf8', 0, whole).split('\n').slice(0, -1)) {
      const event = parse(Buffer.from(line));
      if (typeof event === 'string' || event.type !== 'event') throw new Error(`no event: ${line}`);
      apply(event);
    }
    rest = bytes.subarray(whole);
    end += whole;
  }
  return end;
}
