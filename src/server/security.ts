/**
 * Opens what protects the server: its certificate, its tokens and its limits. Loads nothing of what is not asked for.
 */
import { ConfigError } from '../config/config-error.ts';
import type { Settings } from '../config/settings.ts';
import type { Intake } from '../engine/intake.ts';
import { balanceSlotsFor } from '../engine/user-indices.ts';
import type { Guards } from '../guard/guards.ts';
import type { Journal } from '../journal/journal.ts';
import type { Log } from '../log.ts';
import type { TlsAcceptor } from '../net/tls-acceptor.ts';
import type { Authority } from '../security/authority.ts';
import type { Sessions } from '../session/sessions.ts';
import type { Reloadable } from './reload.ts';

/** A certificate, a token or a right that ended, ends what it was used for within so long. */
const REVIEW_MS = 500;

export interface Security {
  readonly tls: TlsAcceptor | undefined;
  /** The doorkeeper of this engine's clients, who may administer it; undefined: all may do all. */
  guardsOf(engine: Intake, journal?: Journal): Guards | undefined;
  /** Watches these sessions from now on. */
  watch(sessions: Sessions): void;
  /** Says what is doubtful about the files. */
  warn(): void;
  /** Files that are read again by a reload. */
  readonly participants: readonly Reloadable[];
}

/** Throws a `ConfigError` about the first file that can't be used. */
export async function openSecurity(settings: Settings, log: Log): Promise<Security> {
  const asksWho = settings.tokens !== '' || settings.jwtKeys !== '';
  const isLimited =
    settings.rateConnection + settings.rateAddress + settings.rateToken + settings.rateUser > 0 ||
    settings.addressConnectionsMax > 0;
  const tls = await orConfigError(() => openTls(settings));
  const authority = asksWho ? await orConfigError(() => openAuthority(settings)) : undefined;
  // A file of settings may bring limits later.
  const isGuarded = asksWho || isLimited || settings.config !== '';
  const audit = tls && new (await import('../guard/audit.ts')).Audit(log);
  const guards = isGuarded ? await import('../guard/guards.ts') : undefined;
  const limits = isGuarded ? await import('../engine/user-limits.ts') : undefined;
  const admin = asksWho ? await import('../admin/administration.ts') : undefined;
  let watched: Sessions | undefined;
  let keeper: Guards | undefined;
  const participants: Reloadable[] = [];
  if (tls !== undefined)
    participants.push({ prepare: (next, files) => orConfigError(() => tls.prepare(next, files)) });
  if (authority !== undefined)
    participants.push({
      async prepare(next, files) {
        const apply = await orConfigError(() => authority.prepare(next, files));
        return () => {
          apply();
          watched?.review();
        };
      },
    });
  const warnings =
    tls === undefined && authority === undefined ? undefined : await import('./file-warnings.ts');
  const warn = () => warnings?.warnOfFiles(log, settings, authority);
  // Behind the others: by then they have changed.
  if (warnings !== undefined) participants.push({ prepare: () => warn });
  return {
    tls,
    warn,
    guardsOf(engine, journal) {
      if (guards === undefined || limits === undefined) return undefined;
      const users = new limits.UserLimits(settings, balanceSlotsFor(engine.users.usersMax));
      // Without a limit, events are not even asked about.
      const limitUsers = (rate: number) => {
        engine.userLimits = rate > 0 ? users : undefined;
      };
      limitUsers(settings.rateUser);
      if (settings.config !== '') participants.push({ prepare: next => () => limitUsers(next.rateUser) });
      keeper = new guards.Guards(settings, log, users, authority);
      const { clients, audit } = keeper;
      const snapshot = journal && (() => journal.snapshot());
      if (admin !== undefined)
        keeper.administering = new admin.Administration({ engine, clients, audit, settings, snapshot });
      return keeper;
    },
    watch(sessions) {
      watched = sessions;
      if (tls !== undefined)
        tls.onFailed = (address, reason, isClosed) => {
          if (!isClosed) sessions.clients.closed_handshake += 1;
          audit?.handshakeFailed(address, reason);
        };
      if (!asksWho && tls === undefined) return;
      const look = () => {
        sessions.review();
        keeper?.audit.sayMissing();
        audit?.sayMissing();
      };
      setInterval(look, REVIEW_MS).unref();
    },
    participants,
  };
}

/** Reads the files as a start would; throws a `ConfigError` about the first that can't be used. */
export async function checkSecurity(settings: Settings): Promise<void> {
  const { tlsCert, tokens, jwtKeys } = settings;
  await orConfigError(async () => {
    if (tlsCert !== '') (await import('../net/tls-files.ts')).readTls(settings);
    if (tokens !== '' || jwtKeys !== '') await openAuthority(settings);
  });
}

async function openTls(settings: Settings): Promise<TlsAcceptor | undefined> {
  if (settings.tlsCert === '') return undefined;
  const { TlsAcceptor } = await import('../net/tls-acceptor.ts');
  return new TlsAcceptor(settings);
}

async function openAuthority(settings: Settings): Promise<Authority> {
  const { Authority } = await import('../security/authority.ts');
  return Authority.open(settings);
}

/** What is wrong with a file of keys or tokens is a mistake of the configuration. */
async function orConfigError<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'TlsError' || name === 'SecurityError') throw new ConfigError(message);
    throw error;
  }
}
