/**
 * What one client has asked, and what it must hear: the replies in the order of the requests, each once. An event may
 * be accepted or refused, and from what was accepted everything else follows.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Counts } from '../../src/engine/options.ts';
import type { HandSocket } from './hand-socket.ts';
import type { asyncStepsOf } from './step.ts';

export type Kind = 'event' | 'wait' | 'balance' | 'health' | 'metrics' | 'garbage';

export interface Request {
  kind: Kind;
  /** 0 to 2: each client has users of its own. */
  user: number;
  amount: number;
}

const MAX = Number.MAX_SAFE_INTEGER;
const ACCEPTED = '{"status":"accepted"}';
const OVERFLOW = '{"status":"rejected","reason":"balance_overflow"}';
const INVALID = '{"status":"error","reason":"invalid_json"}';
const BUSY = '{"status":"rejected","reason":"server_busy"}';
const SHUTTING_DOWN = '{"status":"rejected","reason":"shutting_down"}';
const HEALTHS = ['{"status":"ok"}', '{"status":"degraded"}', '{"status":"draining"}'];

const [, , DRAINING] = HEALTHS;

/** Whether this may be the reply to what came after the signal. */
export function isLateReply({ kind }: Request, reply: string): boolean {
  if (kind === 'health') return reply === DRAINING;
  return reply === SHUTTING_DOWN || (kind !== 'event' && kind !== 'wait');
}

/** Whether this is no reply to what came before the signal; health may be asked before and answered after it. */
export function isReplyOfDraining({ kind }: Request, reply: string, isSignalled: boolean): boolean {
  return reply === SHUTTING_DOWN || (kind === 'health' && reply === DRAINING && !isSignalled);
}

const okLine = (balance: bigint) => `{"status":"ok","balance":${balance}}`;

export const requestArbitrary: fc.Arbitrary<Request> = fc.record({
  kind: fc.constantFrom<Kind>('event', 'event', 'wait', 'wait', 'balance', 'balance', 'health', 'garbage'),
  user: fc.nat(2),
  amount: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.integer({ min: -9, max: 8 }).map(amount => (amount < 0 ? amount : amount + 1)),
    },
    { weight: 1, arbitrary: fc.constantFrom(MAX, -MAX) },
  ),
});

/** So many requests that a client which does not read their replies is no longer served. */
export const METRICS: Request[] = Array<Request>(60).fill({ kind: 'metrics', user: 0, amount: 0 });

const brief = (requests: Request[]) =>
  requests === METRICS
    ? '60 × metrics'
    : requests
        .map(
          ({ kind, user, amount }) =>
            `${kind}${'event wait balance'.includes(kind) ? ` ${user}` : ''}${'event wait'.includes(kind) ? ` ${amount}` : ''}`,
        )
        .join(', ');

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

  #name({ user }: Request): string {
    return `user-${this.#id}-${user}`;
  }

  #line(request: Request): string {
    const user = this.#name(request);
    const { kind, amount } = request;
    const wait = kind === 'wait' ? ',"wait":true' : '';
    switch (kind) {
      case 'event':
      case 'wait':
        return `{"user":"${user}","action":"${amount < 0 ? 'sell' : 'buy'}","amount":${Math.abs(amount)}${wait}}\n`;
      case 'balance':
        return `{"type":"balance","user":"${user}"}\n`;
      case 'health':
        return '{"type":"health"}\n';
      case 'metrics':
        return '{"type":"metrics","detail":true}\n';
      case 'garbage':
        return 'garbage\n';
    }
  }

  #isReplyTo(request: Request, reply: string): boolean {
    const { kind, amount } = request;
    const user = this.#name(request);
    const balance = this.#balances.get(user) ?? 0n;
    const sum = balance + BigInt(amount);
    const isOver = sum > BigInt(MAX) || sum < -BigInt(MAX);
    switch (kind) {
      case 'event':
      case 'wait': {
        if (reply === BUSY || reply === SHUTTING_DOWN) return true;
        if (!isOver) this.#balances.set(user, sum);
        if (kind === 'event') return reply === ACCEPTED;
        return reply === (isOver ? OVERFLOW : okLine(sum));
      }
      case 'balance':
        return reply === okLine(balance);
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
