/**
 * Connections beyond the limit. A few a second are told so in one line, and ended, and wait until their client closes.
 * That costs more than closing them without a word, which is what happens to the rest of a flood.
 */
import { REFUSED_CONNECTIONS_MAX } from '../config/descriptors.ts';
import type { Receiver, Transport } from '../net/transport.ts';
import { Reply, replyLine } from '../protocol/replies.ts';
import type { Lingering } from './lingering.ts';

const LINE = replyLine(Reply.tooManyConnections);
const SECOND_MS = 1_000;

export class Refusals {
  readonly #open = new Set<Transport>();
  readonly #lingering: Lingering;
  readonly #nextRead: Uint8Array;
  #secondEndMs = 0;
  /** In this second. */
  #told = 0;

  /** What the refused clients send is read into `nextRead`, and dropped. */
  constructor(lingering: Lingering, nextRead: Uint8Array) {
    this.#lingering = lingering;
    this.#nextRead = nextRead;
  }

  /** How many connections beyond the limit may be open now: those that are being told, and one if that may be told. */
  get openMax(): number {
    return this.#open.size + (this.#mayTell ? 1 : 0);
  }

  refuse(transport: Transport): void {
    if (!this.#mayTell) {
      transport.close();
      return;
    }
    this.#told += 1;
    const lingering = this.#lingering;
    const receiver: Receiver = {
      opened: () => {},
      nextRead: this.#nextRead,
      received: bytes => lingering.received(transport, bytes),
      inputEnded: () => {},
      drained: () => {},
      closed: () => {
        this.#open.delete(transport);
        lingering.closed(transport);
      },
    };
    this.#open.add(transport);
    transport.open(receiver);
    transport.write(LINE);
    transport.end();
    lingering.start(transport);
  }

  get #mayTell(): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#secondEndMs) {
      this.#secondEndMs = nowMs + SECOND_MS;
      this.#told = 0;
    }
    return this.#told < REFUSED_CONNECTIONS_MAX && this.#open.size < REFUSED_CONNECTIONS_MAX;
  }

  destroy(): void {
    for (const transport of this.#open) transport.destroy();
  }
}
