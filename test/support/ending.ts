/**
 * Loaded before the tests of every file. Vitest ends their process by SIGTERM, at which Node runs no listeners of
 * `exit`; what a failed test has left running is ended in these.
 */
const ENDING = Symbol.for('tally.ending');
const ours = globalThis as { [ENDING]?: true };
// Files that share a process load it again and again.
if (ours[ENDING] === undefined) process.once('SIGTERM', () => process.exit());
ours[ENDING] = true;
