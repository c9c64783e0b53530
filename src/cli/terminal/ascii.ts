/** The characters that this program prints, in ASCII, for terminals and locales that have no others. */
import { hasUnicode } from './terminal.ts';

/** Bars and curves keep their widths. */
const ASCII: Readonly<Record<string, string>> = {
  '█': '#',
  '░': '.',
  '▏': ':',
  '▎': ':',
  '▍': ':',
  '▌': ':',
  '▋': '|',
  '▊': '|',
  '▉': '|',
  '▁': '_',
  '▂': '.',
  '▃': '-',
  '▄': '=',
  '▅': '+',
  '▆': '*',
  '▇': '%',
  '●': '*',
  '·': '.',
  '✓': '+',
  '✗': 'x',
  '×': 'x',
  '–': '-',
  '—': '-',
  '−': '-',
  '→': '->',
  '←': '<-',
  '…': '...',
  '±': '+-',
  '≤': '<=',
  '≥': '>=',
  '∞': 'infinite',
  µ: 'u',
  '²': '2',
  '\u00a0': ' ',
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
};

/** Characters without a likeness become `?`. */
export function asciiOf(text: string): string {
  return text.replace(/\P{ASCII}/gu, character => ASCII[character] ?? '?');
}

/** Text as this locale shows it. To be measured only after that: some characters get longer. */
export function printable(text: string): string {
  return hasUnicode() ? text : asciiOf(text);
}
