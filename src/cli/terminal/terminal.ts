/** What the terminal at the other end of a stream can do, if there is one. The only file that asks. */

type Stream = Pick<NodeJS.ReadStream, 'isTTY'> | Pick<NodeJS.WriteStream, 'isTTY'>;
type Out = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows'>;

/** For terminals that do not report their size. */
const COLUMNS = 80;
const ROWS = 24;

export function isTerminal(stream: Stream): boolean {
  return stream.isTTY === true;
}

/** A terminal on which the cursor can be moved, and text be erased. `TERM=dumb`, or none, is a terminal without. */
export function canRepaint(out: Stream, { TERM = '' }: NodeJS.ProcessEnv = process.env): boolean {
  return isTerminal(out) && TERM !== '' && TERM !== 'dumb';
}

/** Colours are for terminals that can show them. `NO_COLOR` disables them; `FORCE_COLOR` wins, 0 disables them too. */
export function hasColour(out: Stream, environment: NodeJS.ProcessEnv): boolean {
  const { NO_COLOR: refused, FORCE_COLOR: forced } = environment;
  if (forced) return forced !== '0' && forced !== 'false';
  return !refused && canRepaint(out, environment);
}

/** Whether text for people may have more than ASCII: as POSIX names the encoding, in the first of these that is set. */
export function hasUnicode({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv = process.env): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

/** Undefined if it is not a terminal; some terminals report 0 columns. */
export function columnsOn(out: Partial<Pick<Out, 'columns'>>, otherwise = COLUMNS): number {
  return out.columns || otherwise;
}

export function rowsOn(out: Pick<Out, 'rows'>): number {
  return out.rows || ROWS;
}
