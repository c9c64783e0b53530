/**
 * The name of a node is held by one process at a time. It renews its key every 2 s; who wants a name whose key is not
 * marked as given back watches whether it changes.
 *
 * No clock is compared with another. That a key has not changed for a while means that its holder is gone only if the
 * holder could have written: so who waits writes a key of its own at each look, and only looks after which that
 * succeeded count. All changes name the revision that they change, so of two that see the same dead holder one wins.
 * A holder that was away for so long that it lost its name learns it from its next renewal, and ends.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bucket, Entry } from './bucket.ts';
import { claimKey, nodeKey } from './names.ts';
import { isPassing, Refusal } from './refusal.ts';

/** What the key of a node holds. */
export interface Holder {
  /** Drawn by the process. */
  readonly instance: string;
  /** How often a node of this name has started. */
  readonly epoch: number;
  readonly pid: number;
  readonly host: string;
  /** Of Tally. */
  readonly version: string;
  /** By its own clock, for people. */
  readonly sinceMs: number;
  /** It stopped cleanly. */
  readonly hasEnded: boolean;
}

/** How often the holder of a name renews it. */
export const RENEWAL_MS = 2_000;
/** Then the next renewal is tried sooner. */
const AGAIN_MS = 500;
const LOOK_MS = 500;
/** So many looks in a row see no change: the holder is gone. */
const LOOKS = 10;

/** Held from `claim` to `release`. */
export class NodeName {
  readonly epoch: number;
  readonly #bucket: Bucket;
  readonly #key: string;
  readonly #onLost: (refusal: Refusal) => void;
  #holder: Holder;
  #revision: number;
  #timer: NodeJS.Timeout | undefined;
  #renewal: Promise<void> = Promise.resolve();
  #isReleased = false;

  private constructor(
    bucket: Bucket,
    node: string,
    holder: Holder,
    revision: number,
    onLost: (refusal: Refusal) => void,
  ) {
    this.#bucket = bucket;
    this.#key = nodeKey(node);
    this.#holder = holder;
    this.#revision = revision;
    this.#onLost = onLost;
    this.epoch = holder.epoch;
    this.#renewIn(RENEWAL_MS);
  }

  /**
   * Takes the name, at once or when its last holder has proved to be gone, about 5 s later. `onWait` is told whom we
   * wait for, `onLost` why the name was lost later. Throws a `Refusal` if a living node has it, and errors of NATS.
   * `lookMs` is another one for tests only: ten looks must take longer than a holder may be late.
   */
  static async claim(
    bucket: Bucket,
    node: string,
    version: string,
    hear: { onWait(reason: string): void; onLost(refusal: Refusal): void },
    lookMs = LOOK_MS,
  ): Promise<NodeName> {
    const instance = randomUUID();
    let before = await bucket.get<Holder>(nodeKey(node));
    for (;;) {
      const holds = before?.value;
      if (holds !== undefined && holds.instance !== instance && !holds.hasEnded) {
        hear.onWait(`the name '${node}' was held by ${described(holds)}: waiting whether that still lives`);
        const now = await changed(bucket, node, before!.revision, lookMs);
        if (now?.value !== undefined && !now.value.hasEnded && now.value.instance !== instance)
          throw new Refusal(
            `a node named '${node}' is running already (${described(now.value)}); give this one another --node, or stop that one`,
          );
        before = now ?? before;
      }
      const mine = newHolder(instance, version, before);
      const revision = await bucket.set(nodeKey(node), mine, before?.revision);
      if (revision !== undefined) return new NodeName(bucket, node, mine, revision, hear.onLost);
      before = await bucket.get<Holder>(nodeKey(node));
      // An answer that was lost on its way: we have it.
      if (before?.value?.instance === instance)
        return new NodeName(bucket, node, before.value, before.revision, hear.onLost);
    }
  }

  /** Says that this was a clean end, if NATS answers within the time: the next one of this name need not wait. */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    clearTimeout(this.#timer);
    await this.#renewal;
    await this.#bucket.set(this.#key, { ...this.#holder, hasEnded: true }, this.#revision).catch(error => {
      if (!isPassing(error)) throw error;
    });
  }

  #renewIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#renewal = this.#renew();
    }, ms);
  }

  async #renew(): Promise<void> {
    let nextMs = RENEWAL_MS;
    try {
      const revision = await this.#bucket.set(this.#key, this.#holder, this.#revision);
      if (revision !== undefined) this.#revision = revision;
      else await this.#lookWho();
    } catch {
      // There is no leader, or no connection.
      nextMs = AGAIN_MS;
    }
    if (!this.#isReleased) this.#renewIn(nextMs);
  }

  /** A renewal met another revision: our own, whose answer was lost, or somebody has taken the name. */
  async #lookWho(): Promise<void> {
    const now = await this.#bucket.get<Holder>(this.#key);
    if (now?.value?.instance === this.#holder.instance) {
      this.#revision = now.revision;
      return;
    }
    this.#isReleased = true;
    const who = now?.value === undefined ? 'somebody who deleted its key' : described(now.value);
    this.#onLost(
      new Refusal(
        `this node could not reach NATS for too long, and its name was taken by ${who}; start it again, with another --node`,
      ),
    );
  }
}

/** The entry when it has changed, also by its holder's end; undefined: it did not, though it could have been. */
async function changed(
  bucket: Bucket,
  node: string,
  revision: number,
  lookMs: number,
): Promise<Entry<Holder> | undefined> {
  for (let looks = 0; looks < LOOKS; ) {
    await sleep(lookMs);
    try {
      await bucket.put(claimKey(node), {});
      const now = await bucket.get<Holder>(nodeKey(node));
      if (now !== undefined && now.revision !== revision) return now;
      looks += 1;
    } catch (error) {
      if (!isPassing(error)) throw error;
      looks = 0;
    }
  }
  return undefined;
}

function newHolder(instance: string, version: string, before: Entry<Holder> | undefined): Holder {
  return {
    instance,
    // Each start has written a revision at least: where a person has deleted the key, this is more than it ever was.
    epoch: before === undefined ? 1 : (before.value?.epoch ?? before.revision) + 1,
    pid: process.pid,
    host: hostname(),
    version,
    sinceMs: Date.now(),
    hasEnded: false,
  };
}

function described({ pid, host, sinceMs }: Holder): string {
  return `process ${pid} on ${host}, since ${new Date(sinceMs).toISOString()}`;
}
