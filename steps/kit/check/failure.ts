/** What a check saw when it failed, as data. */

export interface Failure {
  /** One sentence. */
  problem: string;
  /** The packets of the connection that it happened on, as bytes in a latin1 string. */
  sent: string[];
  /** The request that the reply belongs to, if several were under way. */
  answers?: string | undefined;
  /** Bytes in a latin1 string. */
  expected?: string;
  received?: string;
  /** The first byte that differs, counted from 0. */
  at?: number;
  /** If there are no bytes to compare, or words are clearer. */
  expectedWords?: string;
  receivedWords?: string;
  /** A better hint than that of the case. */
  hint?: string;
  /** The server fell silent: what it printed meanwhile may say why. */
  isSilence?: boolean;
  /** Additional facts, a line each. */
  notes?: string[];
}

export class Failed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.problem);
    this.failure = failure;
  }
}
