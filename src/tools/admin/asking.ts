/** One connection to administer by: requests, pages of a list one after the other, and refusals in words. */
import { CommandError } from '../../cli/terminal/command.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { Client, HungUp, TooLate } from '../harness/client.ts';
import type { Credentials } from '../harness/credentials.ts';
import { NotLetIn, type Target, targetText, whyNot } from '../harness/dialling.ts';
import type { Act } from './options.ts';

export interface User {
  user: string;
  balance: number;
}

export interface Connection {
  client: number;
  address: string;
  /** Of one that has said who it is. */
  name?: string;
  since_ms: number;
}

interface Listed<Entry> {
  entries: Entry[];
  /** Behind which there are more; undefined: there are none. */
  next: string | number | undefined;
}

const CONNECT_MS = 5_000;
/** A page of a server that has much to do, or a snapshot of millions of users. */
const REPLY_MS = 120_000;
const PAGE_MAX = 1_000;
/** A page of the longest names there may be has less. */
const LINE_CHARACTERS_MAX = 2_097_152;

export class Asker {
  readonly #client: Client;
  readonly #target: Target;
  readonly #credentials: Credentials;

  private constructor(client: Client, target: Target, credentials: Credentials) {
    this.#client = client;
    this.#target = target;
    this.#credentials = credentials;
  }

  static async open(target: Target, credentials: Credentials): Promise<Asker> {
    try {
      const manners = { isHalfOpen: false, lineCharactersMax: LINE_CHARACTERS_MAX };
      return new Asker(await Client.reach(target, credentials, CONNECT_MS, manners), target, credentials);
    } catch (error) {
      throw new CommandError(whyLost(error, target, credentials));
    }
  }

  /** The reply to an act that is no list. Throws a `CommandError` unless it was done. */
  async do(act: Act): Promise<Record<string, unknown>> {
    const line = await this.#ask(act);
    const reply = parsed(line);
    if (reply?.status === 'ok') return reply;
    throw new CommandError(
      refusalOf(reply?.reason, this.#credentials, act) ?? `the server says ${quoteIfNeeded(line)}`,
    );
  }

  /** Shows each page as it comes; returns what the list ends with. */
  async list<Entry>(
    act: Act & { do: 'users' | 'connections' },
    show: (entries: Entry[]) => void | Promise<void>,
  ): Promise<Listed<Entry>['next']> {
    let { after, limit: left } = act as { after: string | number; limit: number };
    for (;;) {
      const page = await this.do({ ...act, after, limit: Math.min(left, PAGE_MAX) } as Act);
      const { entries, next } = listedIn<Entry>(act.do, page);
      left -= entries.length;
      await show(entries);
      if (next === undefined || left <= 0 || entries.length === 0) return next;
      after = next;
    }
  }

  close(): void {
    this.#client.close();
  }

  async #ask(act: Act): Promise<string> {
    try {
      return await this.#client.ask(`${JSON.stringify({ type: 'admin', ...act })}\n`, REPLY_MS);
    } catch (error) {
      throw new CommandError(whyLost(error, this.#target, this.#credentials));
    }
  }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return Object(JSON.parse(line)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** The server is not trusted to send what it should. */
function listedIn<Entry>(name: 'users' | 'connections', page: Record<string, unknown>): Listed<Entry> {
  const { next } = page;
  const entries = page[name];
  const isEntry = (entry: unknown) => {
    const { user, balance, client, address } = Object(entry) as Record<string, unknown>;
    return name === 'users'
      ? typeof user === 'string' && Number.isSafeInteger(balance)
      : Number.isSafeInteger(client) && typeof address === 'string';
  };
  if (!Array.isArray(entries) || !entries.every(isEntry))
    throw new CommandError(`the server sends no list of ${name}`);
  const isNext = typeof next === (name === 'users' ? 'string' : 'number');
  return { entries: entries as Entry[], next: isNext ? (next as string | number) : undefined };
}

/** Undefined: it is no refusal that there is. */
function refusalOf(reason: unknown, { token, tls }: Credentials, act: Act): string | undefined {
  switch (reason) {
    case 'forbidden':
      return 'the right admin is missing: tally token new --may admin makes a token that has it';
    case 'unauthorized':
      return token === undefined && tls?.cert === undefined
        ? 'the server wants to know who you are: --token-file FILE, or the variable TALLY_TOKEN'
        : 'the server does not know you any more: what you have shown has expired, or was revoked';
    case 'unknown_type':
      return 'the server asks nobody who they are (tally serve --tokens FILE), so nobody may administer it';
    case 'no_such_client':
      return `there is no connection ${'client' in act ? act.client : ''}; tally admin connections lists them`;
    case 'no_journal':
      return 'the server keeps no journal (tally serve --data DIR), so there is nothing to make a snapshot of';
    case 'journal_damaged':
      return 'the journal is damaged, and no snapshot can be made: tally journal verify says what is wrong';
    case 'disk_full':
      return 'the disk has no room for a snapshot';
    case 'shutting_down':
      return 'the server is stopping';
    case 'too_many_connections':
      return 'the server has too many connections';
    case 'invalid_event':
      return 'the server does not understand what is asked for: it may be of another version';
    default:
      return undefined;
  }
}

function whyLost(error: unknown, target: Target, { tls }: Credentials): string {
  if (error instanceof NotLetIn || error instanceof TooLate) return error.message;
  const cause = (error instanceof HungUp ? error.cause : error) as NodeJS.ErrnoException | undefined;
  // What a server says of TLS before it hangs up may be lost.
  if (cause !== undefined && cause.code !== 'ECONNRESET' && cause.code !== 'EPIPE')
    return whyNot(cause, target);
  const hint =
    tls === undefined ? 'does it speak TLS? (--tls)' : 'does it want a certificate? (--tls-cert FILE)';
  return `${targetText(target)} hung up${tls?.cert === undefined ? `; ${hint}` : ''}`;
}
