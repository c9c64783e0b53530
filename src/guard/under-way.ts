/**
 * A command of one client whose answer takes its time: a token that is verified, an act of administration. Nothing behind
 * its line is served meanwhile. When the answer is there, the line is served once more, and finds it here.
 */
interface Asked<Answer> {
  line: string;
  answer: { is: Answer } | undefined;
}

export class UnderWay<Answer> {
  readonly #onDone: () => void;
  #asked: Asked<Answer> | undefined;

  /** `onDone` is called when there is an answer that was waited for. */
  constructor(onDone: () => void) {
    this.#onDone = onDone;
  }

  /** The answer to the line, once; undefined: it is on its way. `begin` is called if it is not; its promise must not fail. */
  answer(line: string, begin: () => Answer | Promise<Answer>): { is: Answer } | undefined {
    const asked = this.#asked;
    if (asked?.line === line) {
      if (asked.answer !== undefined) this.#asked = undefined;
      return asked.answer;
    }
    const begun = begin();
    if (!(begun instanceof Promise)) return { is: begun };
    const asking: Asked<Answer> = { line, answer: undefined };
    this.#asked = asking;
    void begun.then(is => {
      asking.answer = { is };
      this.#onDone();
    });
    return undefined;
  }

  /** The line is refused now: its answer, if there is one, is nobody's. */
  forget(): void {
    this.#asked = undefined;
  }
}
