/** Lines from bytes: however they are cut, the server answers what a plain string buffer would. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { HandSocket } from './hand-socket.ts';
import { asyncStepsOf } from './step.ts';
import { World } from './world.ts';

vi.mock('node:worker_threads', async original => ({
  ...(await original<object>()),
  Worker: (await import('./hand-worker.ts')).HandWorker,
}));
vi.mock('node:net', async original => {
  const net = await original<typeof import('node:net')>();
  return { ...net, createServer: (await import('./stand-ins.ts')).keepServer(net.createServer) };
});

const LINE_BYTES_MAX = 512;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const OK = '{"status":"ok"}';
const ACCEPTED = '{"status":"accepted"}';
const INVALID_JSON = '{"status":"error","reason":"invalid_json"}';
const INVALID_EVENT = '{"status":"error","reason":"invalid_event"}';
const TOO_LONG = '{"status":"error","reason":"line_too_long"}';

/** What is answered to a line of those that can come of the pieces below. */
function replyTo(line: string): string {
  try {
    const value = JSON.parse(decoder.decode(Buffer.from(line, 'latin1'))) as Record<string, unknown>;
    if (value.type === 'health') return OK;
    return typeof value.user === 'string' ? ACCEPTED : INVALID_EVENT;
  } catch {
    return INVALID_JSON;
  }
}

/** The lines of one connection, as a string buffer makes them; text has one character a byte. */
class Model {
  replies: string[] = [];
  isOver = false;
  #buffer = '';
  #isSkipping = false;

  receive(text: string): void {
    const parts = (this.#buffer + text).split('\n');
    this.#buffer = parts.pop()!;
    for (const line of parts) this.#take(line);
    if (this.#buffer.length > LINE_BYTES_MAX && !this.#isSkipping) {
      this.replies.push(TOO_LONG);
      this.#isSkipping = true;
    }
    if (this.#isSkipping) this.#buffer = '';
  }

  end(): void {
    this.isOver = true;
    if (this.#buffer !== '') this.#take(this.#buffer);
  }

  #take(line: string): void {
    if (!this.#isSkipping) this.replies.push(line.length > LINE_BYTES_MAX ? TOO_LONG : replyTo(line));
    this.#isSkipping = false;
  }
}

interface Real {
  world: World;
  socket: HandSocket;
}

async function expectSame(model: Model, { world, socket }: Real): Promise<void> {
  await world.settle();
  expect(socket.said).toBe(model.replies.map(reply => `${reply}\n`).join(''));
  expect(world.sessions.clients.invalid).toBe(model.replies.filter(reply => reply.includes('error')).length);
  expect(socket.destroyed || socket.hasEnded).toBe(model.isOver);
  expect(world.sessions.clients.connections).toBe(model.isOver ? 0 : 1);
}

const step = asyncStepsOf(expectSame);
const isOpen = ({ isOver }: Readonly<Model>) => !isOver;

/** Bytes come in these chunks, together or a turn of the event loop apart. */
const receive = (chunks: string[], areApart: boolean) =>
  step(
    `receive(${JSON.stringify(chunks)}${areApart ? ', apart' : ''})`,
    async (model, real) => {
      for (const chunk of chunks) {
        real.socket.clientSends(Buffer.from(chunk, 'latin1'));
        model.receive(chunk);
        if (areApart) await expectSame(model, real);
      }
    },
    isOpen,
  );

const end = step(
  'end',
  (model, { socket }) => {
    socket.clientEnds();
    model.end();
  },
  isOpen,
);

const reset = (isReportedAsEnd: boolean) =>
  step(
    isReportedAsEnd ? 'reset, reported as end' : 'reset',
    (model, { socket }) => {
      socket.clientResets(isReportedAsEnd);
      model.isOver = true;
    },
    isOpen,
  );

const HEALTH = '{"type":"health"}';
const EVENT = '{"user":"alice","action":"buy","amount":1}';
const padded = (bytes: number) => `${' '.repeat(Math.max(0, bytes - HEALTH.length))}${HEALTH}`;
const LINES = [
  '',
  '\r',
  'x',
  '{}',
  HEALTH,
  `${HEALTH}\r`,
  `${HEALTH}\r\r`,
  EVENT,
  `{"type":"health","x":"\xc3\xa9"}`,
];

/** Whole lines, beginnings of lines, lines about as long as they may be, and much longer ones. */
const pieceArbitrary = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...LINES).map(line => `${line}\n`) },
  { weight: 2, arbitrary: fc.constantFrom(...LINES) },
  { weight: 2, arbitrary: fc.integer({ min: -2, max: 2 }).map(more => padded(LINE_BYTES_MAX + more)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 * LINE_BYTES_MAX }).map(bytes => 'x'.repeat(bytes)) },
  { weight: 2, arbitrary: fc.constant('\n') },
);

/** The pieces in a row, cut anywhere. */
const chunksArbitrary = fc
  .tuple(
    fc.array(pieceArbitrary, { minLength: 1, maxLength: 8 }),
    fc.oneof(
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 6 }),
    ),
  )
  .map(([pieces, lengths]) => {
    const text = pieces.join('');
    const chunks: string[] = [];
    let at = 0;
    for (const length of lengths) {
      chunks.push(text.slice(at, at + length));
      at += length;
    }
    return [...chunks, text.slice(at)].filter(chunk => chunk !== '');
  });

const receiveArbitrary = fc.tuple(chunksArbitrary, fc.boolean()).map(args => receive(...args));

const commandsArbitrary = fc.commands<Model, Real, false>(
  [receiveArbitrary, receiveArbitrary, receiveArbitrary, fc.constant(end), fc.boolean().map(reset)],
  { maxCommands: 12 },
);

test('lines are what a string buffer makes of the bytes, whatever the cuts, the ends and the lengths', async () => {
  await fc.assert(
    fc.asyncProperty(commandsArbitrary, async commands => {
      const world = await World.open(['--workers', '1', '--line-bytes-max', String(LINE_BYTES_MAX)]);
      try {
        await fc.asyncModelRun(
          () => ({ model: new Model(), real: { world, socket: world.connect() } }),
          commands,
        );
      } finally {
        await world.close();
      }
    }),
    { numRuns: 150 },
  );
});
