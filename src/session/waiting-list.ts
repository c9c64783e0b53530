/**
 * Those who wait for a visit, in the order in which they are visited: fair queueing (A. Demers, S. Keshav and
 * S. Shenker, 1989; with the clock of P. Goyal, H. M. Vin and H. Cheng, 1996).
 *
 * Its clock runs in bytes: how much each of those who always want more has got. A visit starts at the clock, or at the
 * end of the client's last visit if that is later, and ends as many bytes later as it costs. The earliest end is next,
 * and the clock follows the starts. So who asks for little goes before all who ask for much, and everybody's turn
 * comes.
 */

/** The place of a client in the list. It is made with the client, so waiting takes no memory. */
export class Place<Client> {
  readonly client: Client;
  /** The index in the heap, or −1 outside of it. */
  at = -1;
  /** By the list's clock, of the visit that is waited for, or of the last one. */
  start = 0;
  end = 0;
  /** Of two with the same end, who came first is first. */
  number = 0;

  constructor(client: Client) {
    this.client = client;
  }
}

/** A binary heap: each comes before the two at twice its index, plus one and plus two. */
export class WaitingList<Client> {
  readonly #heap: Place<Client>[] = [];
  #clock = 0;
  #number = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Adding one that waits already changes nothing. */
  add(place: Place<Client>, cost: number): void {
    if (place.at >= 0) return;
    place.start = Math.max(this.#clock, place.end);
    place.end = place.start + cost;
    place.number = this.#number++;
    this.#rise(this.#heap.length, place);
  }

  delete(place: Place<Client>): void {
    const { at } = place;
    if (at < 0) return;
    place.at = -1;
    const last = this.#heap.pop()!;
    if (last === place) return;
    this.#sink(at, last);
    this.#rise(last.at, last);
  }

  /** Takes out the next one; undefined if nobody waits. */
  take(): Client | undefined {
    const first = this.#heap[0];
    if (first === undefined) return undefined;
    this.delete(first);
    this.#clock = Math.max(this.#clock, first.start);
    return first.client;
  }

  /** Puts the place at this index, or where one that comes after it is on the way to the front. */
  #rise(from: number, place: Place<Client>): void {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parent = heap[(at - 1) >> 1]!;
      if (isBefore(parent, place)) break;
      heap[at] = parent;
      parent.at = at;
      at = (at - 1) >> 1;
    }
    heap[at] = place;
    place.at = at;
  }

  /** Puts the place at this index, or as far behind it as there are others that come before it. */
  #sink(from: number, place: Place<Client>): void {
    const heap = this.#heap;
    let at = from;
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      const next = heap[child]!;
      if (isBefore(place, next)) break;
      heap[at] = next;
      next.at = at;
      at = child;
    }
    heap[at] = place;
    place.at = at;
  }
}

function isBefore(one: Place<unknown>, other: Place<unknown>): boolean {
  return one.end < other.end || (one.end === other.end && one.number < other.number);
}
