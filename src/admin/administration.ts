/**
 * What who has the right `admin` may have done over the wire. Loaded where clients have to say who they are.
 */
import type { Intake } from '../engine/intake.ts';
import type { Audit } from '../guard/audit.ts';
import type { Administering, Administrator, Guard } from '../guard/guard.ts';
import type { Snapshotted } from '../journal/archivist.ts';
import type { LogLevel } from '../log.ts';
import { Reply } from '../protocol/replies.ts';
import { connectionsLine, writeUsers } from './lines.ts';
import { Pace } from './pace.ts';
import { type AdminRequest, readRequest } from './requests.ts';
import { inSlices, Turns } from './turns.ts';
import { findPage } from './user-page.ts';

/** What it administers. */
export interface Administered {
  readonly engine: Pick<Intake, 'users' | 'reading'>;
  /** All connections by their numbers, in the order of these. */
  readonly clients: ReadonlyMap<number, Guard>;
  readonly audit: Audit;
  /** Those that everybody reads. */
  readonly settings: { logLevel: LogLevel };
  /** Undefined: there is no journal. */
  readonly snapshot: (() => Promise<Snapshotted | 'ended'>) | undefined;
}

const SNAPSHOTTED: Record<Snapshotted | 'ended', Reply> = {
  written: Reply.ok,
  full: Reply.diskFull,
  damaged: Reply.journalDamaged,
  ended: Reply.shuttingDown,
};
/** Connections that one step looks at. */
const STEP_CLIENTS = 256;

export class Administration implements Administering {
  readonly #of: Administered;
  readonly #pace = new Pace();
  /** Of those who list users, and apart from them, since a worker may be long in saying what they have, connections. */
  readonly #ofUsers = new Turns();
  readonly #ofConnections = new Turns();

  constructor(of: Administered) {
    this.#of = of;
  }

  act(line: string, by: Administrator): Reply | string | Promise<Reply | string> {
    const request = readRequest(line);
    if (request === undefined) return Reply.invalidEvent;
    const wait = this.#pace.wait();
    if (wait === undefined) return this.#act(request, by);
    return wait.then(() => (by.hasLeft ? Reply.ok : this.#act(request, by)));
  }

  #act(request: AdminRequest, by: Administrator): Reply | string | Promise<Reply | string> {
    const { audit, clients, settings, snapshot } = this.#of;
    audit.acts(by, by.name, request);
    switch (request.do) {
      case 'users':
        return this.#ofUsers.next(() => this.#users(request, by));
      case 'connections':
        return this.#ofConnections.next(() => this.#connections(request, by));
      case 'close':
        if (request.client !== by.client)
          return clients.get(request.client)?.hangUp() ? Reply.ok : Reply.noSuchClient;
        by.dismiss();
        return Reply.ok;
      case 'log_level':
        settings.logLevel = request.level;
        return Reply.ok;
      case 'snapshot':
        return snapshot === undefined ? Reply.noJournal : snapshot().then(how => SNAPSHOTTED[how]);
    }
  }

  async #users(
    { prefix, after, limit }: AdminRequest & { do: 'users' },
    by: Administrator,
  ): Promise<Reply | string> {
    const { users, reading } = this.#of.engine;
    const options = { prefix: Buffer.from(prefix), after: Buffer.from(after), limit };
    const isHeard = () => !by.hasLeft;
    const page = await inSlices(findPage(users, options), isHeard);
    if (page === undefined) return Reply.ok;
    const balances = await reading.balancesOf(page.users);
    return (await inSlices(writeUsers(page.users, balances, page.hasMore), isHeard)) ?? Reply.ok;
  }

  async #connections(
    { after, limit }: AdminRequest & { do: 'connections' },
    by: Administrator,
  ): Promise<Reply | string> {
    const found = await inSlices(this.#clientsBehind(after, limit + 1), () => !by.hasLeft);
    if (found === undefined) return Reply.ok;
    return connectionsLine(found.slice(0, limit), found.length > limit);
  }

  /** At most `count`. Who comes or goes between two steps is there or not; nobody is twice. */
  *#clientsBehind(after: number, count: number): Generator<void, Guard[]> {
    const found: Guard[] = [];
    let looks = 0;
    for (const [client, guard] of this.#of.clients) {
      if (client > after && found.push(guard) === count) break;
      if (++looks % STEP_CLIENTS === 0) yield;
    }
    return found;
  }
}
