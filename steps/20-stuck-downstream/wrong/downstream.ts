/** The service behind this server: a connection for each call, a line there, a line back. */
import { connect } from 'node:net';
import { linesOf } from './lines.ts';

/** In ten-thousandths, and when it was that. */
export interface Rate {
  rate: number;
  as_of_ms: number;
}

/** Undefined if there is no answer within the time, or none can come. */
export async function ask(url: URL, question: object, withinMs: number): Promise<Rate | undefined> {
  const socket = connect(Number(url.port), url.hostname);
  const timer = setTimeout(() => socket.destroy(), withinMs);
  try {
    socket.write(`${JSON.stringify(question)}\n`);
    for await (const line of linesOf(socket)) {
      const { rate, as_of_ms } = JSON.parse(String(line));
      return rate && { rate, as_of_ms };
    }
  } catch {
    // The same as no answer.
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
  return undefined;
}
