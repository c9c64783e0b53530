/**
 * One client, as the doorkeeper sees it: who it is, what it may do, and how much of it.
 *
 * `check` is asked about each line, before it is done. Behind the first line, events of a client that may write for every
 * user are not asked about one by one, but counted (`free`).
 */
import type { Transport } from '../net/transport.ts';
import { Reply } from '../protocol/replies.ts';
import { Kind, type ParsedRequest } from '../protocol/request.ts';
import { type Access, Right } from '../security/access.ts';
import { Refusal } from '../security/refusal.ts';
import type { Audit } from './audit.ts';
import { Bucket, type Shared } from './buckets.ts';
import { UnderWay } from './under-way.ts';

/** So many wrong tokens end a connection. */
const WRONG_MAX = 10;
const UNLIMITED = Number.POSITIVE_INFINITY;
/** More than one visit can have. */
const UNASKED_MAX = 2 ** 30 - 1;

/** What all guards share; its one implementation is in guards.ts. */
export interface Doorkeeper {
  readonly audit: Audit;
  /** Clients must say who they are. */
  readonly asksWho: boolean;
  readonly limitsEvents: boolean;
  /** How many events a client may send now. */
  permits(own: Bucket, ofAddress: Shared | undefined, ofToken: Shared | undefined): number;
  joinToken(name: string, before: Shared | undefined): Shared;
  left(client: number, ofAddress: Shared | undefined, ofToken: Shared | undefined): void;
  whoHas(
    token: string,
    onRefused: (reason: string) => void,
  ): Access | undefined | Promise<Access | undefined>;
  /** By the names of a certificate. */
  whoIs(certificate: readonly string[], onRefused: (reason: string) => void): Access | undefined;
  stillHolds(access: Access, nowMs: number): Access | undefined;
  /** Undefined where nobody is asked who they are. */
  readonly administering: Administering | undefined;
}

/** Who administers. */
export interface Administrator {
  /** The number of the connection. */
  readonly client: number;
  readonly address: string;
  readonly name: string;
  /** The connection is closed: nobody hears what comes of an act. */
  readonly hasLeft: boolean;
  /** Ends it, when it has been told. */
  dismiss(): void;
}

/** Does what somebody with the right `admin` asks for, and answers it; its one implementation is in src/admin. */
export interface Administering {
  /** `line` must be valid JSON. The promise does not fail. */
  act(line: string, by: Administrator): Reply | string | Promise<Reply | string>;
}

/** The session, as its guard sees it. */
export interface Guarded {
  /** There is an answer that `present` or `administer` did not have. */
  goOn(): void;
  /** Ends it, with its last replies; false if it is ending already. */
  hangUp(why: 'closed_admin' | 'closed_unauthorized'): boolean;
}

export class Guard implements Administrator {
  readonly client: number;
  readonly address: string;
  /** Since when it is connected, in ms since the process started. */
  readonly sinceMs = performance.now();
  hasLeft = false;
  readonly #guards: Doorkeeper;
  #guarded: Guarded | undefined;
  #access: Access | undefined;
  readonly #tokens = new UnderWay<Access | undefined>(() => this.#guarded?.goOn());
  readonly #acts = new UnderWay<Reply | string>(() => this.#guarded?.goOn());
  #wrong = 0;
  /** Why its certificate lets it do nothing. It may still have a token: so this is said when it is refused without one. */
  #whyNotByCertificate: string | undefined;
  #isDismissed = false;
  readonly #bucket = new Bucket();
  readonly #ofAddress: Shared | undefined;
  #ofToken: Shared | undefined;
  /** How many events may still pass, and how many of them did, in this visit. */
  #permits = UNLIMITED;
  #taken = 0;
  /** Events that may pass now without `check`; whoever lets one pass counts it down. */
  free = 0;
  /** What it began with. */
  #granted = 0;

  constructor(guards: Doorkeeper, client: number, transport: Transport, ofAddress: Shared | undefined) {
    this.#guards = guards;
    this.client = client;
    this.address = transport.address;
    this.#ofAddress = ofAddress;
  }

  /** Called once, by whom it guards. */
  guards(guarded: Guarded): void {
    this.#guarded = guarded;
  }

  /** Who it is, for logs; empty if that is not known. */
  get name(): string {
    return this.#access?.name ?? '';
  }

  /** It has not said who it is, and must. */
  get isStranger(): boolean {
    return this.#access === undefined && this.#guards.asksWho;
  }

  /** Nothing more is served: it has presented too many wrong tokens, or has ended itself. */
  get isOver(): boolean {
    return this.#wrong >= WRONG_MAX || this.#isDismissed;
  }

  get whyOver(): 'closed_unauthorized' | 'closed_admin' {
    return this.#isDismissed ? 'closed_admin' : 'closed_unauthorized';
  }

  dismiss(): void {
    this.#isDismissed = true;
  }

  /** A visit begins: its lines see one time. */
  begin(): void {
    this.#permits = this.#guards.permits(this.#bucket, this.#ofAddress, this.#ofToken);
    this.#taken = 0;
    this.#grant();
  }

  /** The visit is over. */
  end(): void {
    this.#count();
    const taken = this.#taken;
    if (taken === 0 || this.#permits === UNLIMITED) return;
    this.#taken = 0;
    this.#bucket.take(taken);
    this.#ofAddress?.take(taken);
    this.#ofToken?.take(taken);
  }

  /** Lets as many events pass without a question as may be. */
  #grant(): void {
    const access = this.#access;
    const mayAll = access !== undefined && (access.rights & Right.write) !== 0 && access.users === undefined;
    const isAsked = this.#guards.asksWho && !mayAll;
    this.#granted = isAsked ? 0 : Math.min(UNASKED_MAX, this.#permits - this.#taken);
    this.free = this.#granted;
  }

  /** Counts those that have passed. */
  #count(): void {
    this.#taken += this.#granted - Math.max(0, this.free);
    this.#granted = 0;
    this.free = 0;
  }

  /** Why a line may not be done; undefined: it may. An event that may is counted. */
  check(kind: Kind, request: ParsedRequest, names: Uint8Array): Reply | undefined {
    if (this.#guards.asksWho) {
      const refusal = this.#refusal(kind, request, names);
      if (refusal !== undefined) {
        if (kind === Kind.admin) this.#acts.forget();
        return refusal;
      }
    }
    if (!isEvent(kind)) return undefined;
    this.#count();
    const isLimited = this.#taken >= this.#permits;
    if (!isLimited) this.#taken += 1;
    this.#grant();
    return isLimited ? Reply.rateLimited : undefined;
  }

  /** The line that was just let pass has to come again. */
  giveBack(kind: Kind): void {
    if (!isEvent(kind)) return;
    this.#count();
    this.#taken -= 1;
    this.#grant();
  }

  /**
   * Answers a token. Undefined: it is being verified; the line is to be served again when the session may go on. A wrong
   * one changes nothing about what the client may do.
   */
  present(token: string): Reply | undefined {
    if (!this.#guards.asksWho) return Reply.ok;
    this.#whyNotByCertificate = undefined;
    const verify = () => this.#guards.whoHas(token, reason => this.#refused(reason));
    const answer = this.#tokens.answer(token, verify);
    return answer && this.#answer(answer.is);
  }

  /** Answers a request to administer, which was checked. Undefined: as for a token. */
  administer(line: string): Reply | string | undefined {
    const { administering } = this.#guards;
    if (administering === undefined) return Reply.unknownType;
    return this.#acts.answer(line, () => administering.act(line, this))?.is;
  }

  /** Ends the client, with its last replies; false if it is ending already. */
  hangUp(): boolean {
    return this.#guarded?.hangUp('closed_admin') ?? false;
  }

  /** TLS has found the certificate of the client to be valid. */
  presentCertificate(names: readonly string[]): void {
    if (!this.#guards.asksWho || names.length === 0) return;
    const access = this.#guards.whoIs(names, why => {
      this.#whyNotByCertificate = why;
    });
    if (access !== undefined) this.#letIn(access);
  }

  /** Looks again at what the client rests on; false if it holds no longer: then the client is ended. */
  review(nowMs: number): boolean {
    if (this.#access === undefined) return true;
    const access = this.#guards.stillHolds(this.#access, nowMs);
    if (access === undefined) {
      this.#guards.audit.ended(this, this.#access.name);
      this.#access = undefined;
      this.#guarded?.hangUp('closed_unauthorized');
      return false;
    }
    this.#access = access;
    return true;
  }

  /** The client has gone. */
  leave(): void {
    this.hasLeft = true;
    this.#guards.left(this.client, this.#ofAddress, this.#ofToken);
  }

  #refusal(kind: Kind, request: ParsedRequest, names: Uint8Array): Reply | undefined {
    if (kind === Kind.health || kind === Kind.auth) return undefined;
    const access = this.#access;
    if (access === undefined) {
      if (this.#whyNotByCertificate !== undefined) this.#refused(this.#whyNotByCertificate);
      this.#whyNotByCertificate = undefined;
      return Reply.unauthorized;
    }
    const right = RIGHTS[kind];
    if (right === undefined) return undefined;
    if ((access.rights & right) === 0) {
      if (right === Right.admin) this.#refused(Refusal.noAdminRight, access.name);
      return Reply.forbidden;
    }
    const isOfUser = kind === Kind.event || kind === Kind.transfer || kind === Kind.balance;
    if (!isOfUser || access.users === undefined) return undefined;
    return access.users.has(names, request.nameAt, request.nameBytes) ? undefined : Reply.forbidden;
  }

  #answer(access: Access | undefined): Reply {
    if (access === undefined) {
      this.#wrong += 1;
      return Reply.unauthorized;
    }
    this.#letIn(access);
    return Reply.ok;
  }

  #letIn(access: Access): void {
    this.#access = access;
    this.#wrong = 0;
    this.end();
    this.#ofToken = this.#guards.joinToken(access.name, this.#ofToken);
    this.begin();
    this.#guards.audit.letIn(this, access.name);
  }

  #refused(reason: string, name?: string): void {
    this.#guards.audit.refused(this, reason, name);
  }
}

function isEvent(kind: Kind): boolean {
  return kind === Kind.event || kind === Kind.transfer;
}

/** The right that a line needs; those without are answered to whoever is known. */
const RIGHTS: Partial<Record<Kind, number>> = {
  [Kind.event]: Right.write,
  [Kind.transfer]: Right.transfer,
  [Kind.balance]: Right.read,
  [Kind.metrics]: Right.read,
  [Kind.metricsDetail]: Right.read,
  [Kind.debug]: Right.admin,
  [Kind.admin]: Right.admin,
};
