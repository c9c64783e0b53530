/**
 * The state of a session: three words. What else may look like state follows from the parts: whether the client
 * blocks, from the reply queue; what is skipped or still granted, from the framer.
 */

/**
 * Of the server. `serving`; `draining`: what was received is still served, later events are refused; `ending`: nothing is
 * served any more, only replies are written.
 */
export type Phase = 'serving' | 'draining' | 'ending';

/**
 * `open`: it is served. `finishing`: our side has ended behind the last reply. `ended`: it is closed, and wants nothing
 * of the server any more.
 */
export type Life = 'open' | 'finishing' | 'ended';

/** What the client has done with its sending side. Bytes without a line end are a line behind an end, not behind a reset. */
export type Input = 'open' | 'ended' | 'reset';

/** What it waits for before it does anything more: a turn of the scheduler, or room in a ring. */
export type Waits = 'nothing' | 'turn' | 'ring';

export interface State {
  readonly life: Life;
  readonly input: Input;
  readonly waits: Waits;
}

/** Only who is served waits. */
export function isLegal({ life, waits }: State): boolean {
  return waits === 'nothing' || life === 'open';
}
