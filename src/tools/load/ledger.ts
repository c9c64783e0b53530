/** What a thread keeps of the money: how often each line of the script was accepted, and how often not answered. */
import type { ThreadPlan } from './messages.ts';
import type { Script } from './script.ts';

export interface Ledger {
  script: Script;
  /** By line of the script: how often it was accepted, as the difference to the line before. */
  accepted: Int32Array;
  /** The same for lines that were sent and not answered. */
  unanswered: Int32Array;
}

export function newLedger(script: ThreadPlan['script']): Ledger {
  return {
    script: { ...script, bytes: Buffer.from(script.bytes.buffer) },
    accepted: new Int32Array(script.lines + 1),
    unanswered: new Int32Array(script.lines + 1),
  };
}
