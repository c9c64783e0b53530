/** Fields: which count, what they may hold, what a request is, and what becomes of a field that comes twice. */
// biome-ignore format: a list
import { all, balance, type Draft, event, eventLine, type Group, health, invalidEvent, metrics, unknownType, utf8 } from './entry.ts';

const VALUES = ['null', 'true', 'false', '0', '1', '""', '[]', '{}', '["buy"]', '[1]', '{"user":"n"}'];
const FIELDS = ['user', 'action', 'amount'];
const GIVEN: Record<string, string> = { user: '"n"', action: '"buy"', amount: '1' };

/** The usual event with one field's value replaced, or without it. */
function withField(field: string, value: string | undefined): string {
  const fields = FIELDS.filter(name => name !== field || value !== undefined);
  return `{${fields.map(name => `"${name}":${name === field ? value : GIVEN[name]}`).join(',')}}`;
}

// biome-ignore format: a table
const ODD_KEYS: [key: string, why: string][] = [
  ['__proto__', 'an object of JavaScript has one'], ['constructor', 'an object of JavaScript has one'], ['prototype', 'a class has one'], ['toString', 'an object of JavaScript has one'], ['hasOwnProperty', 'an object of JavaScript has one'], ['valueOf', 'an object of JavaScript has one'], ['length', 'an array has one'], ['', 'an empty key'], [' ', 'a space'],
  ['User', 'a capital'], ['USER', 'capitals'], ['user ', 'a space behind'], [' user', 'a space before'], ['use', 'a letter missing'], ['users', 'a letter more'], ['user\\u0000', 'NUL behind'], ['\\u0000user', 'NUL before'], [utf8('us\u00e9r'), 'an accent'], [utf8('u\u200bser'), 'a character that is not seen'], [utf8('\uff55ser'), 'a wide letter'],
  ['type ', 'a space behind'], ['Type', 'a capital'], ['typ', 'a letter missing'], ['types', 'a letter more'], ['wait\\n', 'a line end behind'], ['amount\\u0020', 'a space by its number'], ['$type', 'a sign before'], ['0', 'a number'],
];

// biome-ignore format: a table
const TWICE: [name: string, more: string][] = [
  ['user', ',"user":"n"'], ['user, another', ',"user":"m"'], ['user, no string', ',"user":null'], ['action', ',"action":"buy"'], ['action, another', ',"action":"sell"'], ['amount', ',"amount":1'], ['amount, spelled otherwise', ',"amount":1.0'], ['amount, no number', ',"amount":"1"'],
  ['user, escaped', ',"\\u0075ser":"n"'], ['user, another letter escaped', ',"use\\u0072":"n"'], ['action, escaped', ',"\\u0061ction":"buy"'], ['amount, escaped', ',"amoun\\u0074":1'], ['wait', ',"wait":true,"wait":true'], ['wait, different', ',"wait":true,"wait":false'], ['wait, escaped', ',"wait":false,"w\\u0061it":false'],
  ['user three times', ',"user":"n","user":"n"'], ['all', ',"user":"n","action":"buy","amount":1'],
];

// biome-ignore format: a table
const NO_ACTIONS = ['"Buy"', '"BUY"', '"buy "', '" buy"', '"bu"', '"buys"', '"sel"', '"sells"', '"give"', '"toString"', '"__proto__"', '"b\\u0000uy"', `"${utf8('bu\u0443')}"`];
// biome-ignore format: a table
const NO_TYPES = ['', 'Health', 'HEALTH', 'health ', ' health', 'healt', 'healths', 'event', 'buy', 'balances', 'metric', 'toString', 'constructor', '__proto__', 'hasOwnProperty', 'null', '0', '\\u0000', 'health\\n', utf8('h\u0435alth'), utf8('héalth'), '\\u0061'.repeat(200)];

// biome-ignore format: a table
export const FIELD_GROUPS: Group[] = [
  {
    group: 'events',
    drafts: [
      { name: 'buy', why: 'the usual line', line: eventLine('alice', '100'), verdict: event('alice', 100) },
      {
        name: 'sell',
        why: 'takes away',
        line: '{"user":"alice","action":"sell","amount":30}',
        verdict: event('alice', -30),
      },
      { name: 'wait', why: 'answered with the balance', line: eventLine('alice', '5', ',"wait":true'), verdict: event('alice', 5, true) },
      { name: 'no wait', why: 'said, and the same as not said', line: eventLine('alice', '5', ',"wait":false'), verdict: event('alice', 5) },
      ...all(event('n', 1), [
        ['action first', 'any order', '{"action":"buy","user":"n","amount":1}'],
        ['amount first', 'any order', '{"amount":1,"user":"n","action":"buy"}'],
        ['amount, action, user', 'any order', '{"amount":1,"action":"buy","user":"n"}'],
        ['an unknown field first', 'ignored', '{"x":1,"user":"n","action":"buy","amount":1}'],
        ['unknown fields of all types', 'ignored', eventLine('n', '1', ',"a":null,"b":true,"c":[1,"x"],"d":{"e":{}},"f":"","g":-1.5e-7')],
        ['a detail', 'unknown to an event', eventLine('n', '1', ',"detail":7')],
      ]),
      ...all(event('n', -1, true), [['wait first', 'any order', '{"wait":true,"amount":1,"action":"sell","user":"n"}']]),
    ],
  },
  {
    group: 'values of the wrong kind',
    drafts: [
      ...FIELDS.flatMap(field =>
        VALUES.filter(value => !(field === 'amount' && /[01]$/.test(value))).map(
          (value): Draft => ({ name: `${field} ${value}`, why: 'not what the field holds', line: withField(field, value), verdict: invalidEvent }),
        ),
      ),
      ...FIELDS.flatMap(field => all(invalidEvent, [[`no ${field}`, 'a field is missing', withField(field, undefined)]])),
      ...['null', '0', '1', '""', '"true"', '[]', '[true]', '{}'].flatMap(value =>
        all(invalidEvent, [[`wait ${value}`, 'neither true nor false', eventLine('n', '1', `,"wait":${value}`)]]),
      ),
      ...all(
        invalidEvent,
        NO_ACTIONS.map(action => [`action ${action}`, 'neither buy nor sell', withField('action', action)]),
      ),
      ...all(invalidEvent, [
        ['amount "100"', 'digits in a string', withField('amount', '"100"')],
        ['amount [100]', 'an array is no number', withField('amount', '[100]')],
        ['only unknown fields', 'nothing that counts', '{"a":1,"b":2}'],
        ['fields one level down', 'nothing that counts at the top', `{"event":${eventLine('n')}}`],
        ['an event in an array', 'no object', `[${eventLine('n')}]`],
        ['an event in a string', 'no object', JSON.stringify(eventLine('n'))],
      ]),
    ],
  },
  {
    group: 'keys that are like known ones',
    drafts: [
      ...ODD_KEYS.map(
        ([key, why]): Draft => ({
          name: `an event with ${JSON.stringify(key)}`,
          why: `${why}; unknown, so ignored`,
          line: eventLine('n', '1', `,"${key}":"x"`),
          verdict: event('n', 1),
        }),
      ),
      ...all(event('n', 1), [
        ['__proto__ with a type', 'sets nothing', '{"__proto__":{"type":"health"},"user":"n","action":"buy","amount":1}'],
        ['__proto__ twice', 'unknown, so it may come twice', eventLine('n', '1', ',"__proto__":1,"__proto__":2')],
      ]),
      ...all(invalidEvent, [
        ['__proto__ with a user', 'lends nothing', '{"__proto__":{"user":"n"},"action":"buy","amount":1}'],
        ['constructor with a user', 'lends nothing', '{"constructor":{"prototype":{"user":"n"}},"action":"buy","amount":1}'],
        ['a capital in each', 'none is known', '{"User":"n","Action":"buy","Amount":1}'],
      ]),
      ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'].flatMap(name =>
        all(event(name, 1), [[`a user named ${name}`, 'a name like any other', eventLine(name)]]),
      ),
      ...all(balance('__proto__'), [['the balance of __proto__', 'a name like any other', '{"type":"balance","user":"__proto__"}']]),
    ],
  },
  {
    group: 'fields that come twice',
    drafts: [
      ...all(
        invalidEvent,
        TWICE.map(([name, more]) => [name, 'a known field may come once', eventLine('n', '1', more)]),
      ),
      ...all(invalidEvent, [
        ['type', 'also in a request', '{"type":"health","type":"health"}'],
        ['type, different', 'also in a request', '{"type":"health","type":"metrics"}'],
        ['type, escaped', 'a key is what it spells', '{"type":"health","t\\u0079pe":"health"}'],
        ['type, the first unknown', 'it comes twice all the same', '{"type":"x","type":"health"}'],
        ['type beside an event', 'it comes twice all the same', eventLine('n', '1', ',"type":"x","type":"x"')],
        ['the user of a balance', 'known there', '{"type":"balance","user":"n","user":"n"}'],
        ['the user of a balance, escaped', 'known there', '{"type":"balance","user":"n","\\u0075ser":"n"}'],
        ['the detail of metrics', 'known there', '{"type":"metrics","detail":true,"detail":true}'],
      ]),
      ...all(event('n', 1), [
        ['an unknown field', 'ignored, however often', eventLine('n', '1', ',"x":1,"x":2,"x":3')],
        ['an unknown field, escaped', 'ignored', eventLine('n', '1', ',"x":1,"\\u0078":2')],
        ['the detail of an event', 'unknown there', eventLine('n', '1', ',"detail":1,"detail":2')],
        ['a known name one level down', 'unknown there', eventLine('n', '1', ',"x":{"user":1,"user":2}')],
        ['a known name in a string', 'no field', eventLine('n', '1', ',"x":"\\"user\\":1,\\"user\\":2"')],
      ]),
      ...all(health, [['the user of health', 'unknown there', '{"type":"health","user":"n","user":"m"}']]),
      ...all(health, [['the detail of health', 'unknown there', '{"detail":1,"type":"health","detail":2}']]),
      ...all(balance('n'), [['the amount of a balance', 'unknown there', '{"amount":1,"type":"balance","user":"n","amount":2}']]),
      ...all(metrics(), [['the user of metrics', 'unknown there', '{"type":"metrics","user":1,"user":2,"wait":1,"wait":2}']]),
      ...all(unknownType, [['the user of an unknown type', 'unknown there', '{"type":"x","user":"n","user":"m"}']]),
    ],
  },
  {
    group: 'requests',
    drafts: [
      ...all(health, [
        ['health', 'the plainest', '{"type":"health"}'],
        ['health with the fields of an event', 'the type decides, they are unknown', eventLine('n', '1', ',"type":"health"')],
        ['health with bad fields of an event', 'the type decides', '{"type":"health","user":"","action":7,"amount":-1,"wait":"x"}'],
        ['health with an unknown field before', 'ignored', '{"x":{"type":"metrics"},"type":"health"}'],
      ]),
      ...all(metrics(), [
        ['metrics', 'three counts', '{"type":"metrics"}'],
        ['metrics without detail', 'said', '{"type":"metrics","detail":false}'],
        ['metrics with a detail that is not true', 'only true asks for more', '{"type":"metrics","detail":1}'],
        ['metrics with a detail "true"', 'only true asks for more', '{"type":"metrics","detail":"true"}'],
        ['metrics with a detail [true]', 'only true asks for more', '{"detail":[true],"type":"metrics"}'],
      ]),
      ...all(metrics(true), [
        ['metrics with detail', 'the three counts first', '{"type":"metrics","detail":true}'],
        ['metrics with detail, escaped', 'the same', '{"det\\u0061il":true,"type":"m\\u0065trics"}'],
      ]),
      ...all(balance('n'), [
        ['balance', 'of a user', '{"type":"balance","user":"n"}'],
        ['balance, user first', 'any order', '{"user":"n","type":"balance"}'],
        ['balance, user escaped', 'the same user', '{"type":"balance","user":"\\u006e"}'],
        ['balance with the fields of an event', 'the type decides', eventLine('n', '1', ',"type":"balance"')],
      ]),
      ...all(balance(`nobody ${'é😀'}`), [['balance of nobody', 'an unknown user has 0', utf8('{"type":"balance","user":"nobody é😀"}')]]),
      ...VALUES.filter(value => value !== '""').flatMap(value =>
        all(invalidEvent, [
          [`type ${value}`, 'a type is a string', `{"type":${value}}`],
          [`type ${value} beside an event`, 'a type is a string', eventLine('n', '1', `,"type":${value}`)],
        ]),
      ),
      ...all(invalidEvent, [
        ['balance of no user', 'a user is missing', '{"type":"balance"}'],
        ...VALUES.map((value): [string, string, string] => [`balance of ${value}`, 'no name', `{"type":"balance","user":${value}}`]),
      ]),
      ...all(
        unknownType,
        NO_TYPES.map(type => [`type "${Buffer.from(type, 'latin1').toString()}"`, 'a type that is not known', `{"type":"${type}"}`]),
      ),
      ...all(unknownType, [
        ['an unknown type beside an event', 'the type decides', eventLine('n', '1', ',"type":"event"')],
        ['an unknown type with a bad user', 'the type decides', '{"type":"x","user":7}'],
      ]),
    ],
  },
];
