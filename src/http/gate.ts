/**
 * The gate: who may read over HTTP. A client says who it is with a token or a JWT, as `Bearer` or, for browsers, as the
 * password of `Basic`; or TLS says it, with a certificate that has an entry in the file of tokens.
 */
import type { Audit } from '../guard/audit.ts';
import { type Access, Right } from '../security/access.ts';
import { Authority } from '../security/authority.ts';
import type { GateSettings } from './protection.ts';
import { type Answered, type Asker, type Gatekeeping, say } from './routes.ts';

const PROBES = ['/healthz', '/readyz'];
const BEARER = 'Bearer realm="tally"';
const BASIC = 'Basic realm="tally"';
const UNAUTHORIZED =
  "unauthorized: this takes a token with the right read. curl -H 'Authorization: Bearer TOKEN'; a browser asks for a name, " +
  'which may be any, and a password, which is the token';
const FORBIDDEN = 'forbidden: the right read is missing (tally token new --may read)';

export class Gate implements Gatekeeping {
  /** Requests with a wrong token, or with a certificate that nobody knows. */
  unauthorized = 0;
  readonly #settings: GateSettings;
  readonly #authority: Authority;
  readonly #audit: Audit;

  private constructor(settings: GateSettings, authority: Authority, audit: Audit) {
    this.#settings = settings;
    this.#authority = authority;
    this.#audit = audit;
  }

  /** Reads the files. Throws a `SecurityError`. */
  static async open(settings: GateSettings, audit: Audit): Promise<Gate> {
    return new Gate(settings, await Authority.open(settings), audit);
  }

  /** Reads the files again; what is returned puts them in force. Throws a `SecurityError`. */
  prepare(): Promise<() => void> {
    return this.#authority.prepare(this.#settings);
  }

  async refusalOf(path: string, asker: Asker): Promise<Answered | undefined> {
    if (this.#settings.areProbesOpen && PROBES.includes(path)) return undefined;
    let reason: string | undefined;
    const access = await this.#accessOf(asker, why => {
      reason = why;
    });
    if (access !== undefined)
      return (access.rights & Right.read) === 0
        ? say(403, FORBIDDEN, { 'www-authenticate': `${BEARER}, error="insufficient_scope"` })
        : undefined;
    if (reason === undefined) return unauthorized(asker, BEARER);
    this.unauthorized += 1;
    this.#audit.refusedOverHttp(asker.address, reason);
    return unauthorized(asker, `${BEARER}, error="invalid_token"`);
  }

  /** A token that is presented is what counts, also beside a certificate. */
  #accessOf(
    { authorization, certificates }: Asker,
    onRefused: (reason: string) => void,
  ): Access | undefined | Promise<Access | undefined> {
    if (authorization !== undefined) return this.#authority.check(tokenIn(authorization), onRefused);
    const names = certificates();
    return names.length === 0 ? undefined : this.#authority.ofCertificates(names, onRefused);
  }
}

/** A script of the page is not offered `Basic`: its browser would ask for a password twice a second. */
function unauthorized({ destination }: Asker, bearer: string): Answered {
  return say(401, UNAUTHORIZED, {
    'www-authenticate': destination === 'empty' ? bearer : [bearer, BASIC],
  });
}

/** Empty if there is none. */
function tokenIn(authorization: string): string {
  const [, scheme, credentials = ''] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme?.toLowerCase() !== 'basic') return credentials;
  const [, password = ''] = /^[^:]*:(.*)$/s.exec(Buffer.from(credentials, 'base64').toString('latin1')) ?? [];
  return password;
}
