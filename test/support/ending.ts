/**
 * Loaded before the tests of every file. Vitest ends their process by SIGTERM, at which Node runs no listeners of
 * `exit`; what a failed test has left running is ended in these.
 *
 * And Vitest wants colours of all that it starts; what the tests start prints what it prints to a pipe.
 */
delete process.env.FORCE_COLOR;
process.once('SIGTERM', () => process.exit());
