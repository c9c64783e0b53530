/**
 * The interface to a connection. A session knows only this, so the implementation (plain TCP, a Unix socket, TLS) is a
 * matter of `net`.
 */

/** Is notified of what happens to a connection. */
export interface Receiver {
  /**
   * The connection can be used, TLS has shaken hands. Called once, and before `received`, with the names in the
   * certificate of the client, if it had to have one.
   */
  opened(certificate: readonly string[]): void;
  /** The memory for the next read; this property is looked up before every read. */
  readonly nextRead: Uint8Array;
  /** The first `bytes` bytes of `nextRead` were received. Not called while the transport is paused. */
  received(bytes: number): void;
  /** The peer has shut down its sending side, or the connection was reset: no more bytes arrive. */
  inputEnded(isReset: boolean): void;
  /** All bytes written have gone to the system. */
  drained(): void;
  /** The connection is closed. This is the last call. */
  closed(): void;
}

export interface Transport {
  /** Of the peer; empty where there is none, as on a Unix socket. */
  readonly address: string;
  /** Bytes written that the system has not taken, because the peer does not read. */
  readonly unsentBytes: number;
  /** Begins to shake hands, or to read; called once. */
  open(receiver: Receiver): void;
  write(bytes: Uint8Array): void;
  /** Stops reading at once, until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends our sending side after all bytes written. */
  end(): void;
  /** Closes the connection when its turn comes (see close-queue.ts), since many may close together. */
  close(): void;
  /** Closes the connection at once. */
  destroy(): void;
}
