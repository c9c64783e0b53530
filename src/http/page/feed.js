/**
 * Asks the server how it is, twice a second, one question at a time. When no answer comes, it says so and tries again,
 * ever more slowly.
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

  /** A question of an earlier round is not answered any more. */
  async #ask(round) {
    const startedAt = performance.now();
    let view;
    try {
      const response = await fetch('/live.json', { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
      if (response.ok) view = await response.json();
    } catch {
      // Nobody listens, or nobody answers: gone either way.
    }
    if (round !== this.#round) return;
    if (view === undefined) {
      this.#onGone();
      this.#next(this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 1.5, RETRY_MS_MAX);
    } else {
      this.#retryMs = RETRY_MS_MIN;
      // Asked again in any case: one view that cannot be shown is no reason to show none any more.
      this.#next(Math.max(0, EVERY_MS - (performance.now() - startedAt)));
      this.#onView(view);
    }
  }

  #next(waitMs) {
    this.#timer = setTimeout(() => void this.#ask(this.#round), waitMs);
  }
}
