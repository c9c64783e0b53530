/** A server that asks who its clients are, and is administered: with a journal, and as quiet as it can be. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { HEALTHY } from './asking.ts';
import { type RunningServer, startServer } from './server.ts';
import { authLine, type Entry, writeTokens } from './token-files.ts';

export const adminLine = (fields: object) => `${JSON.stringify({ type: 'admin', ...fields })}\n`;
export const errorLine = (reason: string) => `{"status":"error","reason":"${reason}"}`;
/** The number of a connection that there never is. */
export const NOBODY = 1_000_000;

export const ENTRIES: Record<'ops' | 'all' | 'till', Entry> = {
  ops: { may: ['admin'] },
  all: { may: ['write', 'read', 'transfer', 'admin'] },
  till: { may: ['write', 'read', 'transfer'], users: ['till3:*'] },
};

export interface Connection {
  client: number;
  address: string;
  name?: string;
  since_ms: number;
}

export class Administered {
  readonly server: RunningServer;
  readonly folder: string;
  tokens: Record<'ops' | 'all' | 'till', string>;
  readonly #clients: Client[] = [];
  #marks = NOBODY;

  private constructor(server: RunningServer, folder: string, tokens: Administered['tokens']) {
    this.server = server;
    this.folder = folder;
    this.tokens = tokens;
  }

  static async start(flags: string[] = []): Promise<Administered> {
    const folder = mkdtempSync(join(tmpdir(), 'tally-admin-'));
    const tokens = writeTokens(join(folder, 'tokens'), ENTRIES);
    const places = ['--tokens', join(folder, 'tokens'), '--data', join(folder, 'data')];
    const journal = ['--segment-bytes', '65536', '--sync', 'never'];
    const more = ['--workers', '2', '--debug-requests', '--log-level', 'error'];
    return new Administered(await startServer([...places, ...journal, ...more, ...flags]), folder, tokens);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Leaves only these in the file of tokens, and has the server read it. */
  async rewriteTokens(entries: Record<string, Entry>): Promise<void> {
    const reloads = () => this.server.events.filter(({ event }) => event === 'reloaded').length;
    const before = reloads();
    this.tokens = { ...this.tokens, ...writeTokens(join(this.folder, 'tokens'), entries, this.tokens) };
    this.server.process.kill('SIGHUP');
    await until(() => reloads() > before, 'the file to be read again');
  }

  /** A connection that has said who it is, if it has a token; it is closed by `closeAll`. */
  async open(name?: keyof Administered['tokens']): Promise<Client> {
    const client = await Client.open(this.server.port);
    this.#clients.push(client);
    if (name === undefined) return client;
    const reply = await client.ask(authLine(this.tokens[name]));
    if (reply !== HEALTHY) throw new Error(`${name} is answered ${reply}`);
    return client;
  }

  closeAll(): void {
    for (const client of this.#clients.splice(0)) client.close();
  }

  /** What the log says of acts since a place in it. */
  actsSince(from: number) {
    return this.server.events.slice(from).filter(({ event }) => event === 'administered');
  }

  /** Waits until the log has come so far; returns its place. */
  async caughtUp(client: Client): Promise<number> {
    this.#marks += 1;
    const act = JSON.stringify({ do: 'close', client: this.#marks });
    await client.ask(adminLine(JSON.parse(act) as object));
    const isThere = () => this.server.events.some(each => JSON.stringify(each.act) === act);
    await until(isThere, 'the log to speak of an act');
    return this.server.events.length;
  }
}

export async function connectionsOf(client: Client): Promise<Connection[]> {
  const reply = await client.ask(adminLine({ do: 'connections', limit: 1_000 }));
  return (JSON.parse(reply) as { connections: Connection[] }).connections;
}

/** The number of the connection that came last. */
export async function lastOf(client: Client): Promise<number> {
  return (await connectionsOf(client)).at(-1)!.client;
}
