/** With what a node, or a command that looks at the cluster, shows NATS who it is: read from the files of its settings. */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../config/config-error.ts';
import type { NatsServer } from '../config/nats-servers.ts';
import type { Settings } from '../config/settings.ts';
import type { NatsCredentials } from './link-options.ts';

export type CredentialSettings = Pick<Settings, 'clusterCreds' | 'clusterCa' | 'clusterCert' | 'clusterKey'>;

/** Throws `ConfigError` where a file can't be read. */
export function readNatsCredentials(
  { clusterCreds, clusterCa, clusterCert, clusterKey }: CredentialSettings,
  servers: readonly NatsServer[],
): NatsCredentials {
  const { user, password } = servers.find(each => each.user !== '') ?? { user: '', password: '' };
  return {
    ...(clusterCreds !== '' && { creds: read(clusterCreds, '--cluster-creds') }),
    ...(user !== '' && { user, password }),
    isTls: clusterCa !== '' || servers.some(({ address }) => address.startsWith('tls:')),
    ...(clusterCa !== '' && { ca: read(clusterCa, '--cluster-ca') }),
    ...(clusterCert !== '' && {
      cert: read(clusterCert, '--cluster-cert'),
      key: read(clusterKey, '--cluster-key'),
    }),
  };
}

function read(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${flag} ${path}: ${(error as Error).message}`);
  }
}
