import { randomBytes, randomInt } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Kind } from '../../src/protocol/request.ts';
import { anyLine, Choices, LINE_BYTES_MAX, LineMaker } from '../support/lines.ts';
import { KIND_NAMES, oracle, Subject, show, topLevelKeys } from '../support/oracle.ts';

const OFFSETS_MAX = 4096;
const subject = new Subject(LINE_BYTES_MAX + OFFSETS_MAX + 2);
const { bytes, start } = subject.buffer;

/** Bytes from a table: as UTF-8, or one character a byte where a row needs bytes that are none. */
const utf8 = (text: string) => Buffer.from(text);
const raw = (text: string) => Buffer.from(text, 'latin1');
const event = (user: string, amount = '5', more = '') =>
  `{"user":"${user}","action":"buy","amount":${amount}${more}}`;

// What each line is, by hand: the oracle is judged here as well as the server.
// biome-ignore format: a table
const EVENTS: [string, string, number, boolean?][] = [
  [event('alice', '100'), 'alice', 100], [event('alice', '100', ',"wait":true'), 'alice', 100, true],
  [event('alice', '100', ',"wait":false'), 'alice', 100], ['{"user":"bob","action":"sell","amount":7}', 'bob', -7],
  ['{"user":"bob","action":"sell","amount":7,"wait":true}\r', 'bob', -7, true],
  ['{"amount":1,"action":"sell","user":"bob"}', 'bob', -1],
  [' {\t"user" : "bob" ,\r"action": "sell","amount" :1 } ', 'bob', -1],
  ['{"\\u0075ser":"b\\u006Fb","action":"s\\u0065ll","\\u0061mount":1}', 'bob', -1],
  ['{"x":{"user":"a","user":"b"},"user":"bob","action":"buy","amount":1,"x":[1,{"amount":2}]}', 'bob', 1],
  ['{"__proto__":{"type":"health"},"user":"bob","action":"buy","amount":1}', 'bob', 1],
  ['{"detail":1,"detail":2,"user":"bob","action":"buy","amount":1}', 'bob', 1], [event('\\ud83d\\ude00'), '😀', 5],
  [event('😀é€'), '😀é€', 5], [event('\\u0000\\n\\"\\\\\\/\\b\\f\\r\\t'), '\0\n"\\/\b\f\r\t', 5],
  [event('\\ufeff\\uffff'), '\ufeff\uffff', 5], [event('\u2028'), '\u2028', 5], [event('\x7f'), '\x7f', 5],
  [event('a'.repeat(128)), 'a'.repeat(128), 5], [event('é'.repeat(64)), 'é'.repeat(64), 5],
  [event('\\u00e9'.repeat(64)), 'é'.repeat(64), 5], [event('\\ud83d\\ude00'.repeat(32)), '😀'.repeat(32), 5],
  ...(
    [
      ['1e2', 100], ['1E+2', 100], ['100.0', 100], ['0.1e1', 1], ['10e-1', 1], ['123456789', 123456789],
      ['1234567890', 1234567890], ['999999999999999', 999999999999999], ['1000000000000000', 1e15],
      ['9007199254740991', Number.MAX_SAFE_INTEGER], ['9007199254740991.4', Number.MAX_SAFE_INTEGER],
      [`1${'0'.repeat(40)}e-40`, 1],
    ] as const
  ).map(([amount, value]): [string, string, number] => [event('u', amount), 'u', value]),
];

// biome-ignore format: a table
const OTHERS: [keyof typeof Kind, string[]][] = [
  [
    'invalidEvent',
    [
      ...['{}', '[]', 'null', '1', '""', '[{}]', ' true\r', '{"user":"a"}', '{"a":1}'],
      ...[event(''), event('a'.repeat(129)), event(`${'é'.repeat(64)}a`), event('\\u0061'.repeat(129))],
      ...[event('\\ud800'), event('\\udc00x'), event('\\ude00\\ud83d'), event('\\ud83d\\\\ude00')],
      ...['0', '-0', '-1', '1.5', '0.99999', '1e400', '-1e400', '1e-1'].map(amount => event('u', amount)),
      ...['9007199254740992', '9007199254740993', '9007199254740991.5'].map(amount => event('u', amount)),
      ...['"5"', 'null', 'true', '[5]', '{}'].map(amount => event('u', amount)),
      ...['1', 'null', '"true"', '[]', 'true,"wait":true'].map(wait => event('u', '5', `,"wait":${wait}`)),
      ...[event('u', '5', ',"user":"u"'), event('u', '5', ',"\\u0075ser":1'), event('u', '5', ',"amount":5')],
      ...[event('u', '5', ',"action":"buy"'), event('u', '5', ',"type":null'), event('u', '5', ',"type":{}')],
      ...['{"user":1,"action":"buy","amount":5}', '{"user":"u","action":"Buy","amount":5}'],
      ...['{"type":"health","type":"health"}', '{"type":"x","type":1}', '{"type":1}', '{"type":["health"]}'],
      ...['{"type":"balance"}', '{"type":"balance","user":1}', '{"type":"balance","user":""}'],
      ...['{"type":"balance","user":"a","user":"a"}', '{"type":"metrics","detail":true,"detail":true}'],
    ],
  ],
  [
    'unknownType',
    [
      ...[
        '{"type":""}', '{"type":"Health"}', '{"type":"health "}', '{"type":"\\ud800"}', '{"type":"toString"}',
      ],
      ...['{"type":"buy","user":1,"user":2}', event('u', '5', ',"type":"x"'), '{"type":"__proto__"}'],
      `{"type":"${'\\u0061'.repeat(200)}"}`,
    ],
  ],
  [
    'health', ['{"type":"health"}', ' { "ty\\u0070e" : "h\\u0065alth" } ', '{"type":"health","user":1,"user":2}'],
  ],
  [
    'metrics',
    [
      ...['{"type":"metrics"}', '{"type":"metrics","detail":false}', '{"type":"metrics","detail":"true"}'],
      ...['{"detail":[true],"type":"metrics"}', '{"type":"metrics","user":"","wait":1,"wait":1}'],
    ],
  ],
  ['metricsDetail', ['{"type":"metrics","detail":true}', '{"d\\u0065tail":true ,"type":"metrics","x":1}']],
  ['debug', ['{"type":"debug"}', '{"type":"debug","do":"freeze"}']],
  [
    'invalidJson',
    [
      ...[
        '', '\r', ' ', '{', '}', '{}{}', '{} x', "{'user':1}", '{"a":1,}', '[1,]', '[,1]', '{"a"}', '{"a":}', 'nul',
      ],
      ...[
        '{"a":01}', '{"a":+1}', '{"a":1.}', '{"a":.5}', '{"a":1e}', '{"a":-}', '{"a":NaN}', '{"a":0x1}', '[}', '{]',
      ],
      ...[
        '"\\x"', '"\\u12g4"', '"\\u123', '"\t"', '"\0"', '"', '"\\', '\v{}', '\f{}', '\ufeff{}', '{}\ufeff',
        '\u00a0{}',
      ],
      ...[
        '{}\0', '\0', '{"a":1}\0', '"\x1f"', '[1 2]', '{"a":1 "b":2}', 'truefalse', '[tru]', '--1', '/**/{}',
      ],
      `${'['.repeat(5000)}${']'.repeat(4999)}`,
    ],
  ],
];

// biome-ignore format: a table
const NOT_UTF8 = [
  '\xff', '\x80', '\xc0\xaf', '\xc1\xbf', '\xe2\x82', '\xed\xa0\x80', '\xf4\x90\x80\x80', '\xf8\x88\x80\x80\x80',
];

describe('by hand', () => {
  test.each(EVENTS)('%s is an event of %j by %d', (line, user, amount, isWaiting = false) => {
    const expected = { kind: Kind.event, user: utf8(user), amount, isWaiting };
    expect(show(oracle(utf8(line)))).toBe(show(expected));
    expect(subject.complaint(utf8(line))).toBeUndefined();
  });

  test.each(OTHERS)('lines that are %s', (kind, lines) => {
    for (const line of lines) {
      expect(`${line}: ${KIND_NAMES[oracle(utf8(line)).kind]}`).toBe(`${line}: ${kind}`);
      expect(subject.complaint(utf8(line)), line).toBeUndefined();
    }
  });

  test.each(['alice', 'é', '\\u00e9'])('a balance of %s', name => {
    for (const line of [
      `{"type":"balance","user":"${name}"}`,
      `{"wait":1,"user":"${name}","type":"balance"}`,
    ]) {
      const expected = {
        kind: Kind.balance,
        user: utf8(JSON.parse(`"${name}"`)),
        amount: 0,
        isWaiting: false,
      };
      expect(show(oracle(utf8(line)))).toBe(show(expected));
      expect(subject.complaint(utf8(line))).toBeUndefined();
    }
  });

  test.each(NOT_UTF8)('bytes that are no UTF-8 are no JSON, wherever they are: %j', bad => {
    const lines = [
      event(bad),
      event('u', '5', `,"x":"${bad}"`),
      `{"${bad}":1,"type":"health"}`,
      `[["${bad}"]]`,
      `{}${bad}`,
    ];
    for (const line of lines) {
      expect(oracle(raw(line)).kind, line).toBe(Kind.invalidJson);
      expect(subject.complaint(raw(line)), line).toBeUndefined();
    }
  });

  test('a line may nest as deep as it is long', () => {
    const half = LINE_BYTES_MAX / 2;
    for (const line of [
      '['.repeat(half) + ']'.repeat(half),
      `{"x":${'['.repeat(half - 12)}${']'.repeat(half - 12)},"type":1}`,
      `${'{"":'.repeat(3000)}1${'}'.repeat(3000)}`,
      '['.repeat(LINE_BYTES_MAX),
      `${'['.repeat(half)}${'}'.repeat(half)}`,
    ]) {
      expect(subject.complaint(utf8(line))).toBeUndefined();
    }
  });

  test('the quick way takes the usual line, and nothing that is only like it', () => {
    const isTaken = (line: string) => {
      subject.place(utf8(line));
      return subject.usual(Buffer.byteLength(line)) !== undefined;
    };
    for (let name = 1; name <= 128; name++)
      expect(isTaken(event('n'.repeat(name))), `${name} bytes`).toBe(true);
    const sell = event('n').replace('buy', 'sell');
    for (const line of [event('n', '999999999'), event('n', '1', ',"wait":true'), sell, `${sell}\r`])
      expect(isTaken(line), line).toBe(true);
    const near = [
      event(''),
      event('n'.repeat(129)),
      event('é'),
      event('\\n'),
      event('a"b'),
      event('n', '0'),
      event('n', '01'),
    ];
    near.push(
      event('n', '1234567890'),
      event('n', '1.0'),
      event('n', '1', ',"wait":false'),
      `${event('n')} `,
      ` ${event('n')}`,
    );
    for (const line of near) expect(isTaken(line), line).toBe(false);
  });

  test('the oracle sees keys that come twice, and only those of the outermost object', () => {
    expect(topLevelKeys('{"a":{"b":1,"c":["d"]},"\\u0061":"x,\\"y\\":","e":[{"f":{}}],"":0}')).toEqual([
      'a',
      'a',
      'e',
      '',
    ]);
    expect(topLevelKeys(' { } ')).toEqual([]);
  });
});

describe('against the oracle', () => {
  test('any line is what the oracle says it is, both ways and with the same hash', () => {
    fc.assert(
      fc.property(anyLine, line => {
        expect(subject.complaint(line)).toBeUndefined();
      }),
      { numRuns: 20_000 },
    );
  });

  test('a hundred thousand seeded lines', () => {
    const seed = randomInt(2 ** 32 - 1);
    const maker = new LineMaker(Choices.seeded(seed));
    for (let count = 0; count < 100_000; count++) {
      const line = maker.next();
      const complaint = subject.complaint(line);
      if (complaint !== undefined) throw new Error(`seed ${seed}, hex ${line.toString('hex')}: ${complaint}`);
    }
  });

  test('no generated line has a line end inside, or is longer than a line may be', () => {
    const seed = randomInt(2 ** 32 - 1);
    const maker = new LineMaker(Choices.seeded(seed));
    for (let count = 0; count < 20_000; count++) {
      const line = maker.next();
      expect(line.includes(0x0a) || line.length > LINE_BYTES_MAX, `seed ${seed}`).toBe(false);
    }
  });
});

describe('where a line lies', () => {
  const tail = fc.oneof(
    anyLine,
    fc.uint8Array({ maxLength: 300 }).map(tail => Buffer.from(tail)),
  );

  test('changes nothing, and neither does what is behind or before it', () => {
    fc.assert(
      fc.property(
        anyLine,
        fc.nat(OFFSETS_MAX / 2),
        fc.nat(7),
        tail,
        tail,
        (line, offset, shift, before, behind) => {
          const at = start + offset + shift;
          bytes.fill(0x20);
          const first = subject.complaint(line);
          expect(first).toBeUndefined();
          bytes.fill(before.length === 0 ? 0 : before[0]!);
          bytes.set(before.subarray(0, at - start), at - Math.min(before.length, at - start));
          bytes.set(behind.subarray(0, bytes.length - at - line.length - 1), at + line.length + 1);
          expect(subject.complaint(line, at)).toBeUndefined();
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('the end of a line may be missing while the bytes behind it look like its end', () => {
    const line = utf8(event('alice', '100', ',"wait":true'));
    for (let end = 0; end <= line.length; end++) {
      for (const sentinel of [0x0a, line[end] ?? 0x0a]) {
        subject.place(line);
        bytes[start + end] = sentinel;
        expect(subject.usualPartial(end), `cut at ${end}`).toBe(0);
      }
    }
  });

  test('judging changes nothing on the desk but the place for decoded names', () => {
    fc.assert(
      fc.property(anyLine, fc.nat(OFFSETS_MAX), (line, offset) => {
        randomBytes(512).copy(bytes, start + offset + line.length);
        subject.place(line, start + offset);
        const before = Buffer.from(bytes);
        subject.usual(line.length, start + offset);
        expect(bytes.equals(before)).toBe(true);
        subject.general(line.length, start + offset);
        expect(bytes.subarray(256).equals(before.subarray(256))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a line may fill the desk to its end', () => {
    for (const line of [
      event('a'),
      event('\\u0061'.repeat(20)),
      '"',
      '{"',
      '[[[',
      '{"user":"',
      '1',
      'tru',
      '"\\u00',
    ]) {
      const full = new Subject(line.length + 1);
      expect(full.complaint(utf8(line)), line).toBeUndefined();
    }
  });

  test('a hash is of the bytes of the name: escapes do not count, every byte does', () => {
    const hash = (name: string) => {
      const line = utf8(event(name));
      subject.place(line);
      return subject.general(line.length).hash;
    };
    expect(hash('\\u0061lice')).toBe(hash('alice'));
    expect(hash('\\ud83d\\ude00')).toBe(hash('😀'));
    const names = ['a', 'b', 'ab', 'ba', 'a\\u0000', 'a\\u0000\\u0000', 'aaaa', 'aaaaa', 'e\u0301', 'é', 'A'];
    expect(new Set(names.map(hash)).size).toBe(names.length);
  });
});
