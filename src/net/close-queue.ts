/**
 * When sockets are closed: a few at a time. Closing one costs as much as serving a hundred lines, and clients leave
 * by the thousand: those of one network are reset together, those that began together reach a deadline together. Two
 * thousand resets, closed as they came, blocked the socket thread for 60 ms.
 */
import type { Socket } from 'node:net';

/** Half a millisecond's worth. */
const AT_A_TIME = 16;

export class CloseQueue {
  readonly #waiting: (() => void)[] = [];
  /** How many more are closed at once in this turn of the event loop. */
  #left = AT_A_TIME;
  #isArmed = false;

  /** From now on `socket.destroy()`, whoever calls it, waits for its turn. Returns a function that destroys it at once. */
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
