/**
 * Loaded before the tests of every file. Vitest ends their process by SIGTERM, at which Node runs no listeners of
 * `exit`; what a failed test has left running is ended in these.
 */
process.once('SIGTERM', () => process.exit());
