/**
 * The state of a session: three words. The rest is derived: whether the client blocks, from the reply queue; which
 * bytes are skipped or still granted, from the framer.
 */

/**
 * The phase of the server. `draining`: lines already received are served, later events are refused. `ending`: no line
 * is served, only replies are written.
 */
export type Phase = 'serving' | 'draining' | 'ending';

/**
 * `open`: it is served. `finishing`: our sending side was ended after the last reply. `ended`: it is closed, or about
 * to be, and waits for nothing.
 */
export type Life = 'open' | 'finishing' | 'ended';

/**
 * The client's sending side. Last bytes without a line end count as a line after an end, but not after a reset.
 * `refused`: the server takes nothing more from it.
 */
export type Input = 'open' | 'ended' | 'reset' | 'refused';

/**
 * What the session waits for: a turn of the scheduler, room in a ring, the answers that its replies wait for, or what
 * comes of a command that takes its time: whether the client is who it says, or an act of administration.
 */
export type Waits = 'nothing' | 'turn' | 'ring' | 'answers' | 'command';

export interface State {
  readonly life: Life;
  readonly input: Input;
  readonly waits: Waits;
}

/** Only an open session waits. */
export function isLegal({ life, waits }: State): boolean {
  return waits === 'nothing' || life === 'open';
}
