/**
 * What one client has asked, and what it must hear: the replies in the order of the requests, each once. An event may
 * be accepted or refused, and from what was accepted everything else follows.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Counts } from '../../src/engine/options.ts';
import type { HandSocket } from './hand-socket.ts';
import type { asyncStepsOf } from './step.ts';

export type Kind = 'event' | 'wait' | 'transfer' | 'balance' | 'health' | 'metrics' | 'garbage';

export interface Request {
  kind: Kind;
  /** 0 to 2: each client has users of its own. Who gets in a transfer is another one, the same each time. */
  user: number;
  amount: number;
  id?: number | undefined;
  min?: number | undefined;
}

const MAX = Number.MAX_SAFE_INTEGER;
/** Of the users of a client: the one who gets in all its transfers. */
const WHO_GETS = 3;
const ACCEPTED = '{"status":"accepted"}';
const OVERFLOW = '{"status":"rejected","reason":"balance_overflow"}';
const INSUFFICIENT = '{"status":"rejected","reason":"insufficient_balance"}';
const REUSED = '{"status":"rejected","reason":"id_reused"}';
const INVALID = '{"status":"error","reason":"invalid_json"}';
const BUSY = '{"status":"rejected","reason":"server_busy"}';
const SHUTTING_DOWN = '{"status":"rejected","reason":"shutting_down"}';
const HEALTHS = ['{"status":"ok"}', '{"status":"degraded"}', '{"status":"draining"}'];

const [, , DRAINING] = HEALTHS;

/** Whether this may be the reply to what came after the signal. */
export function isLateReply({ kind }: Request, reply: string): boolean {
  if (kind === 'health') return reply === DRAINING;
  return reply === SHUTTING_DOWN || !isEvent(kind);
}

/** Whether this is no reply to what came before the signal; health may be asked before and answered after it. */
export function isReplyOfDraining({ kind }: Request, reply: string, isSignalled: boolean): boolean {
  return reply === SHUTTING_DOWN || (kind === 'health' && reply === DRAINING && !isSignalled);
}

const isEvent = (kind: Kind) => kind === 'event' || kind === 'wait' || kind === 'transfer';
const okLine = (balance: bigint) => `{"status":"ok","balance":${balance}}`;

/** Small enough for who gets to have room for all of them. */
const smallArbitrary = fc.integer({ min: -9, max: 8 }).map(amount => (amount < 0 ? amount : amount + 1));

export const requestArbitrary: fc.Arbitrary<Request> = fc
  .record({
    kind: fc.constantFrom<Kind>(
      ...(['event', 'event', 'event', 'wait', 'wait', 'transfer', 'balance', 'balance', 'health'] as const),
      'garbage',
    ),
    user: fc.nat(2),
    reads: fc.nat(WHO_GETS),
    small: smallArbitrary,
    large: fc.constantFrom(undefined, undefined, undefined, undefined, MAX, -MAX),
    id: fc.constantFrom(undefined, undefined, 0, 1, 2, 3),
    min: fc.constantFrom(undefined, undefined, undefined, 0, -MAX),
  })
  .map(({ kind, user, reads, small, large, id, min }) => ({
    ...{ kind, user: kind === 'balance' ? reads : user },
    amount: kind === 'transfer' ? -Math.abs(small) : (large ?? small),
    ...(isEvent(kind) && { id, min }),
  }));

/** So many requests that a client which does not read their replies is no longer served. */
export const METRICS: Request[] = Array<Request>(60).fill({ kind: 'metrics', user: 0, amount: 0 });

const briefOf = ({ kind, user, amount, id, min }: Request) =>
  [
    kind,
    ...(isEvent(kind) ? [user, amount] : kind === 'balance' ? [user] : []),
    ...(id === undefined ? [] : [`id ${id}`]),
    ...(min === undefined ? [] : [`min ${min}`]),
  ].join(' ');
const brief = (requests: Request[]) =>
  requests === METRICS ? '60 × metrics' : requests.map(briefOf).join(', ');

export class Conversation {
  /** All that was asked so far; of the last one some bytes may not have been sent. */
  readonly requests: Request[] = [];
  /** Where the line of each of them ends, in bytes from the start. */
  readonly lineEnds: number[] = [];
  readonly replies: string[] = [];
  /** Asked, but not sent yet. */
  unsent = '';
  isPaused = false;
  /** It has not read all the time: a reply may have come too late for it. */
  hasPaused = false;
  hasEnded = false;
  isReset = false;
  readonly #id: number;
  readonly #balances = new Map<string, bigint>();
  /** By user and id: what it was used for, and the reply. */
  readonly #ids = new Map<string, { use: string; reply: string }>();

  constructor(id: number) {
    this.#id = id;
  }

  get isOpen(): boolean {
    return !this.hasEnded && !this.isReset;
  }

  /** How many requests were sent to the end of their lines. */
  get sentRequests(): number {
    return this.unsent === '' ? this.requests.length : this.requests.length - 1;
  }

  ask(requests: Request[]): void {
    for (const request of requests) {
      const line = this.#line(request);
      this.unsent += line;
      this.requests.push(request);
      this.lineEnds.push((this.lineEnds.at(-1) ?? 0) + line.length);
    }
  }

  /** The bytes that are sent now: all that was asked, but so many bytes of the last line. */
  send(heldBackBytes = 0): Buffer {
    const lineStart = this.unsent.lastIndexOf('\n', this.unsent.length - 2) + 1;
    const sentTo = Math.max(lineStart, this.unsent.length - heldBackBytes);
    const bytes = Buffer.from(this.unsent.slice(0, sentTo));
    this.unsent = this.unsent.slice(sentTo);
    return bytes;
  }

  act(deed: Deed, socket: HandSocket): void {
    switch (deed) {
      case 'pauses':
        this.isPaused = true;
        this.hasPaused = true;
        socket.clientPauses();
        break;
      case 'reads':
        this.isPaused = false;
        socket.clientReads();
        break;
      case 'ends':
      case 'ends without line end':
        socket.clientSends(Buffer.from(deed === 'ends' ? this.unsent : this.unsent.slice(0, -1)));
        this.unsent = '';
        this.hasEnded = true;
        socket.clientEnds();
        break;
      case 'resets':
        this.isReset = true;
        socket.clientResets();
        break;
    }
  }

  /** The users of whom something was accepted, with their balances. */
  get balances(): ReadonlyMap<string, bigint> {
    return this.#balances;
  }

  /** Takes all that the client has heard so far; what is new must be the replies to the next requests. */
  hear(said: string): void {
    const lines = said.split('\n');
    const partial = lines.pop();
    // Replies leave in whole lines.
    assert.equal(partial, '');
    for (const reply of lines.slice(this.replies.length)) {
      const request = this.requests[this.replies.length];
      assert.ok(request !== undefined, `a reply to nothing: ${reply}`);
      this.replies.push(reply);
      assert.ok(
        this.#isReplyTo(request, reply),
        `${reply} to ${brief([request])}, request ${this.replies.length}`,
      );
    }
  }

  #name(user: number): string {
    return `user-${this.#id}-${user}`;
  }

  #line({ kind, user, amount, id, min }: Request): string {
    const name = this.#name(user);
    const more = { id: id === undefined ? undefined : `id-${id}`, min };
    const lineOf = (request: object) => `${JSON.stringify({ ...request, ...more })}\n`;
    switch (kind) {
      case 'event':
      case 'wait': {
        const event = { user: name, action: amount < 0 ? 'sell' : 'buy', amount: Math.abs(amount) };
        return lineOf(kind === 'wait' ? { ...event, wait: true } : event);
      }
      case 'transfer':
        return lineOf({ type: 'transfer', from: name, to: this.#name(WHO_GETS), amount: -amount });
      case 'balance':
        return `{"type":"balance","user":"${name}"}\n`;
      case 'health':
        return '{"type":"health"}\n';
      case 'metrics':
        return '{"type":"metrics","detail":true}\n';
      case 'garbage':
        return 'garbage\n';
    }
  }

  #isReplyTo(request: Request, reply: string): boolean {
    const { kind } = request;
    switch (kind) {
      case 'event':
      case 'wait':
      case 'transfer':
        return this.#isReplyToEvent(request, reply);
      case 'balance':
        return reply === okLine(this.#balances.get(this.#name(request.user)) ?? 0n);
      case 'health':
        return HEALTHS.includes(reply);
      case 'metrics': {
        const { received, processed, dropped, queued } = JSON.parse(reply) as Counts;
        return received === processed + dropped + queued;
      }
      case 'garbage':
        return reply === INVALID;
    }
  }

  #isReplyToEvent(request: Request, reply: string): boolean {
    const { user, id, kind } = request;
    if (reply === BUSY || reply === SHUTTING_DOWN) return true;
    // Whatever comes of it, it has made its users.
    for (const each of (kind === 'transfer' ? [user, WHO_GETS] : [user]).map(each => this.#name(each)))
      this.#balances.set(each, this.#balances.get(each) ?? 0n);
    if (id === undefined) return reply === this.#decide(request);
    const key = `${user} ${id}`;
    const use = this.#line(request);
    const known = this.#ids.get(key);
    if (known !== undefined) return reply === (known.use === use ? known.reply : REUSED);
    this.#ids.set(key, { use, reply });
    return reply === this.#decide(request);
  }

  /** The reply to an event that is decided now, for the first time. */
  #decide({ kind, user, amount, id, min }: Request): string {
    const name = this.#name(user);
    const sum = this.#balances.get(name)! + BigInt(amount);
    const to = this.#name(WHO_GETS);
    if (min !== undefined && sum < BigInt(min)) return INSUFFICIENT;
    const isAnsweredLater = kind !== 'event' || min !== undefined;
    if (sum > BigInt(MAX) || sum < -BigInt(MAX))
      return isAnsweredLater || id !== undefined ? OVERFLOW : ACCEPTED;
    this.#balances.set(name, sum);
    if (kind === 'transfer') this.#balances.set(to, this.#balances.get(to)! - BigInt(amount));
    return isAnsweredLater ? okLine(sum) : ACCEPTED;
  }
}

export type Deed = 'pauses' | 'reads' | 'ends' | 'ends without line end' | 'resets';

/** The commands of the clients: what each of them says and does at its socket. */
export function clientStepsOf<
  Model extends { clients: Conversation[] },
  Real extends { sockets: HandSocket[] },
>(step: ReturnType<typeof asyncStepsOf<Model, Real>>) {
  /** Its bytes come in pieces of these lengths, and some of the last line may be held back until it asks again. */
  const ask = (id: number, requests: Request[], heldBackBytes = 0, lengths: number[] = []) => {
    const cuts = lengths.length === 0 ? '' : `, cut ${lengths}`;
    const back = heldBackBytes === 0 ? '' : `, but ${heldBackBytes} bytes`;
    return step(
      `client ${id} asks(${brief(requests)}${cuts}${back})`,
      ({ clients }, { sockets }) => {
        clients[id]!.ask(requests);
        let bytes = clients[id]!.send(heldBackBytes);
        for (const length of [...lengths, bytes.length]) {
          sockets[id]!.clientSends(bytes.subarray(0, length));
          bytes = bytes.subarray(length);
        }
      },
      ({ clients }) => clients[id]!.isOpen,
    );
  };

  const act = (id: number, deed: Deed, canAct = ({ isOpen }: Conversation) => isOpen) =>
    step(
      `client ${id} ${deed}`,
      ({ clients }, { sockets }) => clients[id]!.act(deed, sockets[id]!),
      ({ clients }) => canAct(clients[id]!),
    );
  return { ask, act };
}
