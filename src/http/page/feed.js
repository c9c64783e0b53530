/**
 * Polls the server twice a second, one request at a time. If no answer comes, it reports that and retries at growing
 * intervals.
 */
const EVERY_MS = 500;
const ANSWER_MS_MAX = 4_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 5_000;

export class Feed {
  #onView;
  #onGone;
  #timer;
  #retryMs = RETRY_MS_MIN;
  #isPaused = false;
  #round = 0;

  /** `onGone` is told whether there was an answer: that this browser's token may not read, or no longer. */
  constructor(onView, onGone) {
    this.#onView = onView;
    this.#onGone = onGone;
    void this.#ask(this.#round);
  }

  get isPaused() {
    return this.#isPaused;
  }

  set isPaused(isPaused) {
    this.#isPaused = isPaused;
    clearTimeout(this.#timer);
    this.#round += 1;
    if (!isPaused) void this.#ask(this.#round);
  }

  /** The answer to a request of an earlier round is ignored. */
  async #ask(round) {
    const startedAt = performance.now();
    let view;
    let isLocked = false;
    try {
      // Not relative to the address of the page, in which there may be a token: no script may ask for such a one.
      const address = new URL('/live.json', location.origin);
      const response = await fetch(address, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      if (response.ok) view = await response.json();
      else isLocked = response.status === 401 || response.status === 403;
    } catch {
      // The server does not listen, or does not answer: it counts as gone either way.
    }
    if (round !== this.#round) return;
    if (view === undefined) {
      this.#onGone(isLocked);
      this.#next(this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 1.5, RETRY_MS_MAX);
    } else {
      this.#retryMs = RETRY_MS_MIN;
      // Polled again in any case, even if one snapshot could not be shown.
      this.#next(Math.max(0, EVERY_MS - (performance.now() - startedAt)));
      this.#onView(view);
    }
  }

  #next(waitMs) {
    this.#timer = setTimeout(() => void this.#ask(this.#round), waitMs);
  }
}
