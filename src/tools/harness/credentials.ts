/**
 * How a tool speaks to a server that lets in only whom it knows: TLS, and a token. One set of flags for all tools.
 *
 * A token is no flag: whoever may list processes would see it.
 */
import { readFileSync, statSync } from 'node:fs';
import { reasonOf } from '../../cli/terminal/output.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { UsageError } from '../../cli/terminal/usage.ts';

/** Plain data, so that threads can have it. */
export interface Credentials {
  /** Texts in PEM. Without `ca`, the server's certificate must be of an authority that Node knows. */
  tls?: { ca?: string; cert?: string; key?: string };
  token?: string;
}

export const NO_CREDENTIALS: Credentials = {};

interface Flag {
  /** What stands behind it; undefined: nothing. */
  value?: string;
  about: string;
}

export const CREDENTIAL_FLAGS: Record<string, Flag> = {
  tls: { about: 'speak TLS' },
  'tls-ca': {
    value: 'FILE',
    about: "whose certificates are trusted, PEM (those that Node knows); it's TLS then",
  },
  'tls-cert': { value: 'FILE', about: 'a certificate of our own, for a server that asks for one' },
  'tls-key': { value: 'FILE', about: 'its private key (it is in the same file)' },
  'token-file': {
    value: 'FILE',
    about: 'the token to say who we are with; else it is in the variable TALLY_TOKEN',
  },
  'token-in-clear': { about: 'send it to another machine without TLS: whoever is on the way can read it' },
};

/** For `parseArgs`. */
export const CREDENTIAL_OPTIONS = {
  tls: { type: 'boolean' },
  'tls-ca': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'token-file': { type: 'string' },
  'token-in-clear': { type: 'boolean' },
} as const;

/** A line each, for a help text whose second column begins there. */
export function describeCredentials(columns: number): string {
  return Object.entries(CREDENTIAL_FLAGS)
    .map(([name, { value = '', about }]) => `  --${name} ${value}`.trimEnd().padEnd(columns) + about)
    .join('\n');
}

type Values = { readonly [Name in keyof typeof CREDENTIAL_OPTIONS]?: unknown };

const FILE_BYTES_MAX = 1_048_576;
/** A token of Tally, or a JWT. */
const TOKEN = /^[\x21-\x7e]{1,8192}$/;
const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/;

/** To be called before the flags are read: nothing of a token may be repeated in a message. */
export function refuseTokenFlag(args: readonly string[]): void {
  if (args.some(arg => /^--token(?:=|$)/.test(arg)))
    throw new UsageError(
      'a token in a command line can be seen by others (ps); put it into a file and give --token-file FILE, or into the variable TALLY_TOKEN',
    );
}

/** Reads the files. Throws a `UsageError`. `warn` is told what is allowed, and may be a mistake. */
export function readCredentials(
  values: Values,
  env: NodeJS.ProcessEnv,
  warn: (what: string) => void,
): Credentials {
  const text = (flag: keyof Values) => {
    const path = values[flag];
    return typeof path === 'string' ? fileOf(`--${flag}`, path) : undefined;
  };
  const [ca, cert] = [text('tls-ca'), text('tls-cert')];
  const key = text('tls-key') ?? cert;
  // Node takes it, and trusts nobody.
  if (ca !== undefined && !CERTIFICATE.test(ca))
    throw new UsageError(
      `--tls-ca ${quoteIfNeeded(String(values['tls-ca']))} holds no certificate (PEM: -----BEGIN CERTIFICATE-----)`,
    );
  if (cert === undefined && key !== undefined)
    throw new UsageError('--tls-key is the key of --tls-cert FILE, which is missing');
  const isTls = values.tls === true || ca !== undefined || cert !== undefined;
  const token = tokenOf(values['token-file'], env.TALLY_TOKEN, warn);
  return {
    ...(isTls && {
      tls: { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert, key: key! }) },
    }),
    ...(token !== undefined && { token }),
  };
}

/** Throws a `UsageError` where a token would go to another machine as it is, unless the flags say that this is meant. */
export function refuseInClear({ tls, token }: Credentials, host: string, values: Values): void {
  const isHere = /^(?:localhost|127(?:\.\d+){3}|::1)$/i.test(host);
  if (token !== undefined && tls === undefined && !isHere && values['token-in-clear'] !== true)
    throw new UsageError(
      `without TLS the token would go to ${host} as it is, and whoever is on the way could read it; --tls or ` +
        `--tls-ca FILE encrypts it, --token-in-clear sends it all the same`,
    );
}

function tokenOf(
  path: unknown,
  variable: string | undefined,
  warn: (what: string) => void,
): string | undefined {
  if (typeof path !== 'string') {
    if (variable === undefined || variable === '') return undefined;
    if (!TOKEN.test(variable)) throw new UsageError('TALLY_TOKEN is no token: one word of printable ASCII');
    return variable;
  }
  const token = fileOf('--token-file', path).trim();
  if (!TOKEN.test(token))
    throw new UsageError(
      `--token-file ${quoteIfNeeded(path)} holds no token: one word of printable ASCII, and nothing else`,
    );
  if ((statSync(path).mode & 0o004) !== 0)
    warn(`${quoteIfNeeded(path)} can be read by others; chmod 600 mends it`);
  return token;
}

function fileOf(flag: string, path: string): string {
  const named = `${flag} ${quoteIfNeeded(path)}`;
  try {
    const { size } = statSync(path);
    if (size > FILE_BYTES_MAX)
      throw new UsageError(`${named} has ${size} bytes; ${FILE_BYTES_MAX} are the most`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${named} cannot be read: ${reasonOf(error)}`);
  }
}
