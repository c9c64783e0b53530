/** Lab await, beside step 2: what async gains, where it gains nothing, and what `await` is made of. */
import { count } from '../../../src/cli/terminal/numbers.ts';
import type { Lab } from '../lab.ts';
import { waitingOperations } from './bytecode.ts';
import { napTimes, processorMsOfNap, questionTimes, sumTimes, type Times } from './measuring.ts';

const PIECES = 20;
const PIECE_MS = 10;
const LONG_NAP_MS = 500;
const LABEL_COLUMNS = 34;

const ASYNC = 'async function twoNaps(ms) { await nap(ms); await nap(ms); return 2 * ms; }';
const GENERATOR = 'function* twoNaps(ms) { yield nap(ms); yield nap(ms); return 2 * ms; }';

export const AWAIT_LAB: Lab = {
  name: 'await',
  folder: '02-await',
  title: 'an executor of our own, a timer, one after another against at a time, and what await compiles to',
  takes: new Map(),
  async run(_, say) {
    const row = (name: string, { oneByOneMs, atATimeMs }: Times) =>
      say(`  ${name.padEnd(LABEL_COLUMNS)}${inMs(oneByOneMs)}${inMs(atATimeMs)}`);

    say(`${''.padEnd(LABEL_COLUMNS + 2)}${'one by one'.padStart(12)}${'at a time'.padStart(12)}`);
    say(`${PIECES} naps of ${PIECE_MS} ms`);
    for (const [name, times] of Object.entries(await napTimes(PIECES, PIECE_MS))) row(name, times);
    say(`${PIECES} questions to a server that answers ${PIECE_MS} ms later`);
    row('async functions, Node', await questionTimes(PIECES, PIECE_MS));
    say(`${PIECES} sums of ${PIECE_MS} ms`);
    for (const [name, times] of Object.entries(await sumTimes(PIECES, PIECE_MS))) row(name, times);
    say('');
    const processorMs = processorMsOfNap(LONG_NAP_MS).toFixed(1);
    say(`Our executor napped for ${LONG_NAP_MS} ms, and used ${processorMs} ms of the processor.`);
    for (const source of [ASYNC, GENERATOR]) {
      say('');
      say(`What V8 makes of ${source}`);
      for (const operation of await waitingOperations(source)) say(`  ${operation}`);
    }
  },
};

const inMs = (ms: number) => `${count(ms)} ms`.padStart(12);
