import type { Visited } from '../../src/session/scheduler.ts';
import { Place } from '../../src/session/waiting-list.ts';

/** One that the scheduler can visit. */
export function visited(takeTurn: () => void): Visited {
  const self: Visited = {
    get place() {
      return place;
    },
    takeTurn,
  };
  const place = new Place(self);
  return self;
}
