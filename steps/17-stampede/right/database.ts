/** The client of the database: many questions at a time; an answer has the number of its question. */
import { connect, type Socket } from 'node:net';
import { linesOf } from './lines.ts';

/** A higher version is newer. */
export interface Row {
  balance: number;
  version: number;
}

export class Database {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: Row) => void>();
  /** Of a user whose balance was changed, by whomever; after `subscribe`. */
  onChange = (_user: string, _version: number) => {};
  #asked = 0;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    void this.#listen();
  }

  /** Where there is no such row, or the balance would be too large, the answer has none. */
  ask(type: 'get' | 'add' | 'version' | 'subscribe', more = {}): Promise<Row> {
    this.#asked += 1;
    const n = this.#asked;
    this.#socket.write(`${JSON.stringify({ n, type, ...more })}\n`);
    return new Promise(resolve => this.#waiting.set(n, resolve));
  }

  async #listen(): Promise<void> {
    for await (const line of linesOf(this.#socket)) {
      const { n, changed, ...row } = JSON.parse(line.toString());
      if (changed !== undefined) this.onChange(changed, row.version);
      this.#waiting.get(n)?.(row);
      this.#waiting.delete(n);
    }
    // Without the database there is nothing to say. Whoever runs this starts it again.
    console.error('the database has hung up');
    process.exit(1);
  }
}
