/**
 * The companion of lesson 20: a service of exchange rates, which others wait for. It works off its calls in their order,
 * 400 a second, and tells nobody that it has too many. A call is a line, and so is its answer, with what the call had as
 * `id`:
 *
 *     {"id":7,"currency":"EUR","within_ms":400}      {"id":7,"rate":10841,"as_of_ms":1767225600000}
 *
 * Whoever says within how many milliseconds the answer is of use saves it work: what is older by then is not worked on.
 * `{"slow_ms":1000}` has it work on nothing for a second; `{"counts":true}` says what it has had.
 */
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

interface Call {
  socket: Socket;
  id: unknown;
  currency: string;
  endMs: number;
}

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '7879' } } });
const WORK_MS = 2.5;
const LOOK_MS = 2;

const waiting: Call[] = [];
const counts = { calls: 0, answered: 0, late: 0 };
/** When it will have worked off what it has begun. That a timer comes late costs it no capacity. */
let freeAtMs = 0;

function workOff(): void {
  const nowMs = performance.now();
  // What it did not work on while it had nothing to do is over.
  if (waiting.length === 0) freeAtMs = Math.max(freeAtMs, nowMs);
  while (waiting.length > 0 && freeAtMs <= nowMs) {
    const { socket, id, currency, endMs } = waiting.shift()!;
    const isLate = endMs < nowMs;
    if (!isLate) freeAtMs += WORK_MS;
    counts[isLate ? 'late' : 'answered'] += 1;
    say(socket, isLate ? { id, error: 'too_late' } : { id, ...rateOf(currency) });
  }
}

/** In ten-thousandths; it moves all the time. */
function rateOf(currency: string): object {
  const asOfMs = Date.now();
  const base = [...currency].reduce((sum, letter) => sum + letter.charCodeAt(0), 10_000);
  return { rate: base + (Math.floor(asOfMs / 100) % 100), as_of_ms: asOfMs };
}

function say(socket: Socket, answer: object): void {
  socket.write(`${JSON.stringify(answer)}\n`);
}

function hear(socket: Socket, line: string): void {
  const { slow_ms: slowMs, counts: isAsked, id, currency, within_ms: withinMs } = JSON.parse(line);
  if (isAsked) say(socket, { ...counts, waiting: waiting.length });
  else if (slowMs !== undefined) {
    freeAtMs = performance.now() + slowMs;
    say(socket, { slow_ms: slowMs });
  } else {
    counts.calls += 1;
    const endMs = performance.now() + (withinMs ?? Number.POSITIVE_INFINITY);
    waiting.push({ socket, id, currency: String(currency), endMs });
  }
}

setInterval(workOff, LOOK_MS);
createServer({ noDelay: true }, socket => {
  socket.on('error', () => {});
  createInterface({ input: socket })
    .on('line', line => hear(socket, line))
    .on('error', () => {});
}).listen(Number(flags.port), '127.0.0.1');
