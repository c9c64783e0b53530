/**
 * What is said of the files that protect the server, at the start and after each reload, because it is allowed and is
 * probably a mistake: others may read or write them, a certificate holds no longer, nobody is let in.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Settings } from '../config/settings.ts';
import type { Log } from '../log.ts';
import type { Authority } from '../security/authority.ts';
import { modeWarning, named } from '../security/small-file.ts';

type FileSettings = Pick<Settings, 'tlsCert' | 'tlsKey' | 'tlsClientCa' | 'tokens' | 'jwtKeys'>;

/** They were found to be right a moment ago; what can't be read now is not spoken of. */
export function warnOfFiles(log: Log, settings: FileSettings, authority?: Authority): void {
  const { tlsCert, tlsKey, tlsClientCa, tokens, jwtKeys } = settings;
  warnOfMode(log, tlsKey === '' ? '--tls-cert' : '--tls-key', tlsKey || tlsCert);
  warnOfMode(log, '--tokens', tokens);
  // Nothing in them is secret; but whoever writes into one lets anybody in.
  warnOfMode(log, '--tls-client-ca', tlsClientCa, 0o022);
  warnOfMode(log, '--jwt-keys', jwtKeys, 0o022);
  warnOfDates(log, tlsCert);
  if (authority?.isEmpty)
    log.warn('nobody_let_in', { flag: '--tokens' }, `${named(tokens)} has no entry: nobody is let in`);
}

/** `bits`: what nobody else may do with the file. */
function warnOfMode(log: Log, flag: string, path: string, bits = 0o777): void {
  if (path === '') return;
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  const reason = mode === undefined ? undefined : modeWarning(path, mode & bits);
  if (reason !== undefined) log.warn('file_mode', { flag, reason }, `${flag}: ${reason}`);
}

function warnOfDates(log: Log, path: string): void {
  if (path === '') return;
  const { validFrom, validTo } = new X509Certificate(readFileSync(path));
  const from = new Date(validFrom);
  const until = new Date(validTo);
  const now = Date.now();
  if (from.getTime() <= now && now <= until.getTime()) return;
  const holds =
    now < from.getTime() ? `holds only from ${from.toISOString()} on` : `held until ${until.toISOString()}`;
  log.warn(
    'certificate_dates',
    { flag: '--tls-cert', from: from.toISOString(), until: until.toISOString() },
    `--tls-cert ${named(path)} ${holds}: clients refuse it`,
  );
}
