/** What the other end of a stream can do, if it is a terminal. Nobody else asks a stream for it. */

type Stream = Pick<NodeJS.ReadStream, 'isTTY'> | Pick<NodeJS.WriteStream, 'isTTY'>;
type Out = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'rows'>;

/** Terminals that do not know their size have this one. */
const COLUMNS = 80;
const ROWS = 24;

export function isTerminal(stream: Stream): boolean {
  return stream.isTTY === true;
}

/** Whoever reads there has not asked for none. */
export function hasColour(out: Out, environment: NodeJS.ProcessEnv): boolean {
  return isTerminal(out) && !environment.NO_COLOR;
}

/** Undefined elsewhere than on a terminal; some terminals say that they have none at all. */
export function columnsOn(out: Pick<Out, 'columns'>, otherwise = COLUMNS): number {
  return out.columns || otherwise;
}

export function rowsOn(out: Pick<Out, 'rows'>): number {
  return out.rows || ROWS;
}
