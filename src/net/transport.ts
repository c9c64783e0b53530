/**
 * The face behind which a connection's bytes come and go. A session knows only this, so what lies below (a plain
 * socket today; TLS has room beside it) is a matter of `net`.
 */

/** Who is told what happens to a connection. */
export interface Receiver {
  /** Where the next read goes. Read anew before every read. */
  readonly nextRead: Uint8Array;
  /** So many bytes are in `nextRead`. Not called while the transport is paused. */
  received(bytes: number): void;
  /** The peer has shut down its sending side, or the connection was reset. Nothing more comes. */
  inputEnded(isReset: boolean): void;
  /** All that was written has gone to the system. */
  drained(): void;
  /** The connection is gone. Nothing is called any more. */
  closed(): void;
}

export interface Transport {
  /** Bytes that were written and that the system has not taken, because the peer does not read. */
  readonly unsentBytes: number;
  /** Begins to read. Once. */
  open(receiver: Receiver): void;
  write(bytes: Uint8Array): void;
  /** Reading stops at once, and goes on with `resume`. */
  pause(): void;
  resume(): void;
  /** Ends our side of the connection behind what was written. */
  end(): void;
  /** Closes the connection, when its turn comes (see close-queue.ts): many may go at once. */
  close(): void;
  /** Closes it at once. */
  destroy(): void;
}
