/** Bars, sparklines and fitted lines for the live screens. Pure functions: figures in, text out. */

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const SPARKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** The escape sequences of `styleText`. In a group, so that `split` keeps them. */
const STYLES = new RegExp(`(${'\u001b'}\\[[\\d;]*m)`, 'g');
const STYLE_OFF = '\u001b[0m';

/** The width of a text in columns, without its colours. All characters used here are one column wide. */
export function columnsOf(text: string): number {
  return [...withoutStyles(text)].length;
}

export function withoutStyles(text: string): string {
  return text.replace(STYLES, '');
}

/** Cut to `columns` columns, ending in `more` if something is missing. Colours are kept, and end with the line. */
export function fitted(text: string, columns: number, more = '…'): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  let left = columns - 1;
  let hasStyle = false;
  for (const part of text.split(STYLES)) {
    if (part.startsWith('\u001b')) {
      kept += part;
      hasStyle = true;
      continue;
    }
    const characters = [...part].slice(0, Math.max(0, left));
    left -= characters.length;
    kept += characters.join('');
    if (left <= 0) break;
  }
  return columns < 1 ? '' : `${kept}${more}${hasStyle ? STYLE_OFF : ''}`;
}

/** Padded with blanks. A longer text stays unchanged. */
export function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

/** A bar in eighths of a character, so that short ones differ too; a share above 0 is always visible. */
export function bar(share: number, columns: number): string {
  const eighths = share > 0 ? Math.max(1, Math.round(Math.min(1, share) * columns * 8)) : 0;
  return columns < 1 ? '' : '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]!;
}

/** A bar of full width: the part beyond the share is shaded. */
export function gauge(share: number, columns: number): string {
  const full = Math.round(Math.max(0, Math.min(1, share)) * columns);
  return '█'.repeat(full) + '░'.repeat(Math.max(0, columns - full));
}

/** The last values, one a column, relative to `top` (by default the highest). Undefined: a gap. */
export function sparkline(values: readonly (number | undefined)[], columns: number, top?: number): string {
  const shown = columns < 1 ? [] : values.slice(-columns);
  const highest = top ?? Math.max(0, ...shown.map(value => value ?? 0));
  return shown
    .map(value => {
      if (value === undefined) return ' ';
      const level = highest > 0 ? Math.round((Math.min(value, highest) / highest) * (SPARKS.length - 1)) : 0;
      return SPARKS[level]!;
    })
    .join('');
}

/** Prose in lines of at most `columns` columns; a longer word is cut. */
export function wrapped(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && columnsOf(`${indent}${line} ${word}`) > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map(each => fitted(`${indent}${each}`, columns));
}
