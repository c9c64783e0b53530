/**
 * A failure as text: the bytes sent, expected and received, in readable form, with a mark under the first byte that
 * differs.
 */
import type { Failure } from './failure.ts';

const LABEL_COLUMNS = 10;
/** The bytes shown in one row on either side of the difference. */
const AROUND = 48;
const GROUPS_MAX = 6;
const COLUMNS_MAX = 100;

/** Rows without a newline at their ends. What to think of it comes last: a `hint`, or a `note`. */
export function transcriptOf(failure: Failure, hint: string, label = 'hint'): string[] {
  const { sent, answers, notes = [] } = failure;
  return [
    ...labelled('problem', [failure.problem]),
    ...(sent.length > 0 ? labelled('sent', packetRows(sent)) : []),
    ...(answers === undefined ? [] : labelled('answers', [short(answers)])),
    ...comparison(failure),
    ...labelled('', notes),
    ...labelled(label, [hint]),
  ];
}

/** Bytes of a latin1 string in readable form: `\n`, `\r`, `\t`, and `\x..` for bytes beyond ASCII. */
export function readable(bytes: string): string {
  return [...bytes].map(readableByte).join('');
}

/** Both rows start at the same byte, so the mark fits both. */
function comparison({ expected, received, at = 0, expectedWords, receivedWords }: Failure): string[] {
  const from = Math.max(0, at - AROUND);
  const to = at + AROUND;
  const before = from > 0 ? '…' : '';
  const window = (bytes: string) =>
    before + readable(bytes.slice(from, to)) + (bytes.length > to ? `… (${bytes.length} bytes)` : '');
  const rows = [
    ...labelled('expected', [expected === undefined ? (expectedWords ?? '') : window(expected)]),
    ...labelled('received', [received === undefined ? (receivedWords ?? '') : window(received)]),
  ];
  if (received === undefined) return rows;
  const column = LABEL_COLUMNS + before.length + readable(received.slice(from, at)).length;
  const wanted = expected === undefined ? 'nothing' : quoted(expected[at]);
  return [...rows, `${' '.repeat(column)}^ byte ${at + 1}: expected ${wanted}, got ${quoted(received[at])}`];
}

/** The last packets; consecutive equal ones share a row. */
function packetRows(sent: string[]): string[] {
  const groups: { packet: string; times: number }[] = [];
  for (const packet of sent) {
    const last = groups.at(-1);
    if (last?.packet === packet) last.times += 1;
    else groups.push({ packet, times: 1 });
  }
  const shown = groups.slice(-GROUPS_MAX);
  const hidden = sent.length - shown.reduce((sum, { times }) => sum + times, 0);
  const rows = shown.map(({ packet, times }) =>
    packet === '' ? '(and ended its side)' : short(packet) + (times > 1 ? `, ${times} times` : ''),
  );
  return hidden === 0 ? rows : [`… ${hidden} packets before these`, ...rows];
}

/** The beginning and the end of a long text. */
function short(bytes: string): string {
  const shown = [...bytes].map(readableByte);
  if (shown.join('').length <= COLUMNS_MAX) return shown.join('');
  const head = fitting(shown, COLUMNS_MAX * 0.7);
  const tail = fitting(shown.toReversed(), COLUMNS_MAX * 0.25).toReversed();
  return `${head.join('')}…${tail.join('')} (${bytes.length} bytes)`;
}

/** As many of them, from the first, as these columns hold. */
function fitting(shown: string[], columns: number): string[] {
  let used = 0;
  const end = shown.findIndex(text => {
    used += text.length;
    return used > columns;
  });
  return end < 0 ? shown : shown.slice(0, end);
}

function labelled(label: string, rows: string[]): string[] {
  return rows.map((row, index) => (index === 0 ? label : '').padEnd(LABEL_COLUMNS) + row);
}

function readableByte(byte: string): string {
  const known = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }[byte];
  if (known !== undefined) return known;
  return byte >= ' ' && byte <= '~' ? byte : `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function quoted(byte: string | undefined): string {
  if (byte === undefined) return 'nothing';
  return byte >= ' ' && byte <= '~' ? `'${byte}'` : readableByte(byte);
}
