/** What the terminal at the other end of a stream can do, if there is one. The only file that asks. */

type Stream = Pick<NodeJS.ReadStream, 'isTTY'> | Pick<NodeJS.WriteStream, 'isTTY'>;
type Out = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows'>;

/** For terminals that do not report their size. */
const COLUMNS = 80;
const ROWS = 24;

export function isTerminal(stream: Stream): boolean {
  return stream.isTTY === true;
}

/** Whether to use colours: on a terminal, unless they are disabled. */
export function hasColour(out: Out, environment: NodeJS.ProcessEnv): boolean {
  return isTerminal(out) && !environment.NO_COLOR;
}

/** Undefined if it is not a terminal; some terminals report 0 columns. */
export function columnsOn(out: Pick<Out, 'columns'>, otherwise = COLUMNS): number {
  return out.columns || otherwise;
}

export function rowsOn(out: Pick<Out, 'rows'>): number {
  return out.rows || ROWS;
}
