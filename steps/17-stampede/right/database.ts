/** The client of the database: many questions at a time; an answer has the number of its question. */
import { connect, type Socket } from 'node:net';
import { linesOf } from './lines.ts';

/** A higher version is newer. */
export type Row = { balance: number; version: number };

export class Database {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: Row) => void>();
  #asked = 0;

  constructor(url: string, onChange = (_user: string, _version: number) => {}) {
    const { hostname: host, port } = new URL(url);
    this.#socket = connect({ host, port: Number(port), noDelay: true });
    void this.#listen(onChange);
  }

  /** A balance that would be too large is left out. After `subscribe` it is told of all changes, whoever made them. */
  ask(type: 'get' | 'add' | 'version' | 'subscribe', more = {}): Promise<Row> {
    this.#asked += 1;
    const n = this.#asked;
    this.#socket.write(`${JSON.stringify({ n, type, ...more })}\n`);
    return new Promise(resolve => this.#waiting.set(n, resolve));
  }

  async #listen(onChange: (user: string, version: number) => void): Promise<void> {
    for await (const line of linesOf(this.#socket)) {
      const { n, changed, ...row } = JSON.parse(line.toString());
      if (changed !== undefined) onChange(changed, row.version);
      this.#waiting.get(n)?.(row);
      this.#waiting.delete(n);
    }
    throw new Error('the database has hung up');
  }
}
