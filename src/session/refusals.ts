/**
 * Connections beyond the limit. Each is told so in one line, and ended. Only a few are open at a time, so a flood of
 * them costs little: the others are closed without a word.
 */
import { REFUSED_CONNECTIONS_MAX } from '../config/descriptors.ts';
import type { Receiver, Transport } from '../net/transport.ts';
import { Reply, replyLine } from '../protocol/replies.ts';
import type { Lingering } from './lingering.ts';

const LINE = replyLine(Reply.tooManyConnections);

export class Refusals {
  readonly #open = new Set<Transport>();
  readonly #lingering: Lingering;
  readonly #nextRead: Uint8Array;

  /** What the refused clients send is read into `nextRead`, and dropped. */
  constructor(lingering: Lingering, nextRead: Uint8Array) {
    this.#lingering = lingering;
    this.#nextRead = nextRead;
  }

  refuse(transport: Transport): void {
    if (this.#open.size >= REFUSED_CONNECTIONS_MAX) {
      transport.close();
      return;
    }
    const lingering = this.#lingering;
    const receiver: Receiver = {
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

  destroy(): void {
    for (const transport of this.#open) transport.destroy();
  }
}
