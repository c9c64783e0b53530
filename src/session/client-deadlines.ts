/**
 * The deadlines of clients, and what happens to a client that misses one: it is closed and counted. A line must end in
 * time, replies must be read in time, a client may be idle only so long, and must say in time who it is.
 */
import type { Settings } from '../config/settings.ts';
import type { Closing } from '../metrics/snapshot.ts';
import { Deadlines } from './deadlines.ts';

/** A session, as its deadlines see it. */
export interface Client {
  /** The server does not read from it now. */
  readonly isPaused: boolean;
  /** The line in progress was too long: it was answered, and its bytes are skipped. */
  readonly isSkipping: boolean;
  /** TLS has not shaken hands, or it has to say who it is, and has not. */
  readonly isUnknown: boolean;
  close(why: Closing): void;
}

/** What of its input is still to be served. */
export interface Lines {
  readonly hasLines: boolean;
  readonly isWithinLine: boolean;
}

export class ClientDeadlines {
  /** From the first byte of a line to its end. */
  readonly partial: Deadlines<Client>;
  /** While the client has left too many replies unread. */
  readonly blocked: Deadlines<Client>;
  /** Since the client sent something. */
  readonly idle: Deadlines<Client>;
  /** From the connection until TLS has shaken hands, and the client is known. */
  readonly access: Deadlines<Client>;

  /** The limits are read when they are used, so they may change. */
  constructor(limits: Pick<Settings, 'partialMsMax' | 'blockedMsMax' | 'idleMsMax' | 'authMsMax'>) {
    this.partial = new Deadlines(
      () => limits.partialMsMax,
      client => {
        // While the server does not read, the client can't end its line.
        if (client.isPaused && !client.isSkipping) this.partial.restart(client);
        else client.close('closed_partial');
      },
    );
    this.blocked = new Deadlines(
      () => limits.blockedMsMax,
      client => client.close('closed_blocked'),
    );
    this.idle = new Deadlines(
      () => limits.idleMsMax,
      client => {
        // While the server does not read, it can't know whether the client is idle.
        if (client.isPaused) this.idle.restart(client);
        else client.close('closed_idle');
      },
    );
    this.access = new Deadlines(
      () => limits.authMsMax,
      client => {
        if (client.isUnknown) client.close('closed_unauthorized');
      },
    );
  }

  /** After a visit: a line that has begun must end in time. One that had begun before keeps its time. */
  visited(client: Client, lines: Lines, hasEndedLine: boolean, wasWithinLine: boolean): void {
    if (!lines.hasLines && lines.isWithinLine) {
      if (hasEndedLine) this.partial.restart(client);
      else this.partial.start(client);
    } else if (wasWithinLine) {
      this.partial.clear(client);
    }
  }

  /** For those whose time is running, too. */
  limitsChanged(): void {
    for (const deadlines of [this.partial, this.blocked, this.idle]) deadlines.limitChanged();
  }

  /** The client has gone. */
  clear(client: Client): void {
    this.partial.clear(client);
    this.blocked.clear(client);
    this.idle.clear(client);
    this.access.clear(client);
  }
}
