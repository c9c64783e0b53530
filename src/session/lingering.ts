/**
 * Connections that the server has ended while the client may still send. Closing them at once would reset them, since
 * they have unread input, and a reset may destroy the last reply. So the client gets some time to read that reply and
 * to close; what it sends meanwhile is dropped.
 */
import type { Transport } from '../net/transport.ts';
import { Deadlines } from './deadlines.ts';

const MS_MAX = 2_000;
const BYTES_MAX = 1_048_576;

export class Lingering {
  /** How many bytes each may still send. */
  readonly #bytesLeft = new Map<Transport, number>();
  readonly #deadlines = new Deadlines<Transport>(
    () => MS_MAX,
    transport => transport.close(),
  );

  /** The last reply was written, and our side ended. */
  start(transport: Transport): void {
    this.#bytesLeft.set(transport, BYTES_MAX);
    this.#deadlines.start(transport);
  }

  received(transport: Transport, bytes: number): void {
    const left = this.#bytesLeft.get(transport);
    if (left === undefined) return;
    this.#bytesLeft.set(transport, left - bytes);
    if (left < bytes) transport.close();
  }

  closed(transport: Transport): void {
    this.#bytesLeft.delete(transport);
    this.#deadlines.clear(transport);
  }
}
