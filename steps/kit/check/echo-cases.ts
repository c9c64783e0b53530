/** Steps 1 and 2: all bytes are echoed. */
import { type Act, ask, type Case } from './case.ts';

const LONG_LINE = 'tally '.repeat(1_707).trimEnd();
const CLIENTS = 20;
const NO_UTF8 = Buffer.from('\x00\xff\xfe', 'latin1');
/** Characters of two and of three bytes. */
const CUT = 'é数';

function echo(line: string | Uint8Array, on = 0): Act[] {
  return ask(line, line, on);
}

export const ECHO: readonly Case[] = [
  {
    name: 'a line comes back',
    hint: 'Read what came, and write the same bytes to the same connection.',
    acts: () => [...echo('hello'), { quietMs: 50 }],
  },
  {
    name: 'line after line comes back, on one connection',
    hint: 'Read in a loop. A connection ends when the client ends it, not after the first line.',
    acts: () => [...echo('one'), ...echo('two'), ...echo('three')],
  },
  {
    name: 'two lines in one packet come back as they are',
    hint: 'Send back all bytes that a read returned, not only the first line of them.',
    acts: () => [{ send: 'first\nsecond\n' }, { reply: 'first' }, { reply: 'second' }],
  },
  {
    name: 'bytes beyond ASCII come back as they are',
    hint: 'Bytes in, bytes out: who decodes text on the way can break it.',
    acts: () => [...echo('zażółć gęślą jaźń'), ...echo('数える 🧮')],
  },
  {
    name: 'characters that are cut by the end of a packet come back as they are',
    hint: 'A packet may end inside a character of UTF-8. Send back bytes, not text that was decoded.',
    acts: () => [
      ...Array.from(Buffer.from(`${CUT}\n`), byte => ({ send: Uint8Array.of(byte), mayAnswerEarly: true })),
      { reply: CUT },
    ],
  },
  {
    name: 'bytes that are not UTF-8 come back as they are',
    hint: 'An echo knows no text: 0, 255 and 254 are bytes as all others. Do not decode them.',
    acts: () => echo(NO_UTF8),
  },
  {
    name: 'a line of 10 KB comes back whole',
    hint: 'A read returns what is there, which may be less than all; a write may take less than all, too.',
    acts: () => echo(LONG_LINE),
  },
  {
    name: 'several clients one after another',
    hint: 'When a client has gone, accept the next one.',
    acts: () => [0, 1, 2, 3].flatMap((on): Act[] => [...echo(`client ${on}`, on), { on, leave: true }]),
  },
  {
    name: 'a client that has ended its side gets its echo, and then the end of the connection',
    hint: 'A read of 0 bytes says that the client has ended its side: answer what came before, then close.',
    acts: () => [{ send: 'goodbye\n' }, { finish: true }, { reply: 'goodbye' }, { ends: true }],
  },
];

const crowd = Array.from({ length: CLIENTS }, (_, on) => on);

export const CROWD: readonly Case[] = [
  {
    name: `${CLIENTS} clients at the same time, each with lines of its own`,
    hint: 'While one client is silent, the others are served: no read may wait for one client only.',
    acts: () => [
      ...crowd.map((on): Act => ({ on, send: `client ${on} says one\n` })),
      ...crowd.toReversed().map((on): Act => ({ on, reply: `client ${on} says one` })),
      ...crowd.toReversed().flatMap(on => echo(`client ${on} says two`, on)),
    ],
  },
  {
    name: 'a client that stays and says nothing keeps nobody waiting',
    hint: 'While one client is silent, the others are served: no read may wait for one client only.',
    acts: () => [...echo('I stay', 0), ...echo('and I come later', 1), ...echo('still here', 0)],
  },
];
