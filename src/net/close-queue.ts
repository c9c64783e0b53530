/**
 * Closes sockets a few at a time. Closing one costs as much as serving a hundred lines, and clients may leave by the
 * thousand: when a network fails, or when connections opened together reach a deadline together. Two thousand resets,
 * closed at once, blocked the socket thread for 60 ms.
 */
import type { Socket } from 'node:net';

/** About half a millisecond of work. */
const AT_A_TIME = 16;

export class CloseQueue {
  readonly #waiting: (() => void)[] = [];
  /** How many more may be closed in this turn of the event loop. */
  #left = AT_A_TIME;
  #isArmed = false;

  /** Queues every later call of `socket.destroy()`. Returns a function that destroys the socket at once. */
  spread(socket: Socket): () => void {
    const destroy = socket.destroy.bind(socket);
    let isAsked = false;
    socket.destroy = error => {
      if (!isAsked) {
        isAsked = true;
        this.#add(() => destroy(error));
      }
      return socket;
    };
    return destroy;
  }

  #add(close: () => void): void {
    if (!this.#isArmed) {
      this.#isArmed = true;
      setImmediate(() => this.#turn());
    }
    if (this.#left === 0) {
      this.#waiting.push(close);
    } else {
      this.#left -= 1;
      close();
    }
  }

  #turn(): void {
    const now = this.#waiting.splice(0, AT_A_TIME);
    this.#left = AT_A_TIME - now.length;
    this.#isArmed = now.length > 0;
    if (this.#isArmed) setImmediate(() => this.#turn());
    for (const close of now) close();
  }
}
