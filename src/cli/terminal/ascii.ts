/** The characters that this program prints, in ASCII, for terminals and locales that have no others. */

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
