/**
 * What keeps strangers out of the HTTP side, as the settings have it. The thread opens the files itself, at its start and
 * at a reload.
 */
import type { Settings } from '../config/settings.ts';
import type { TlsFiles } from '../net/tls-files.ts';
import type { AuthoritySettings } from '../security/authority.ts';

export interface HttpsFiles extends TlsFiles {
  /** Where a client can have no token, it must have a certificate. */
  readonly requiresCertificate: boolean;
}

export interface GateSettings extends AuthoritySettings {
  readonly areProbesOpen: boolean;
}

export interface Protection {
  /** Undefined: plain HTTP. */
  readonly https: HttpsFiles | undefined;
  /** Undefined: whoever can connect may read all. */
  readonly gate: GateSettings | undefined;
}

type ProtectionSettings = AuthoritySettings & TlsFiles & Pick<Settings, 'httpOpen'>;

/** Undefined if these settings ask for none. */
export function protectionOf(settings: ProtectionSettings): Protection | undefined {
  const { tlsCert, tlsKey, tlsClientCa, tokens, jwtKeys, jwtAudience, jwtIssuer, httpOpen } = settings;
  const asksWho = tokens !== '' || jwtKeys !== '';
  const requiresCertificate = tlsClientCa !== '' && !asksWho;
  const https = tlsCert === '' ? undefined : { tlsCert, tlsKey, tlsClientCa, requiresCertificate };
  const areProbesOpen = httpOpen === 'probes';
  const gate =
    asksWho && httpOpen !== 'all' ? { tokens, jwtKeys, jwtAudience, jwtIssuer, areProbesOpen } : undefined;
  return https === undefined && gate === undefined ? undefined : { https, gate };
}
