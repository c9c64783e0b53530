/**
 * Checks the settings against one another and the machine, before anything starts. Mistakes are reported in one line.
 */
import { ConfigError } from './config-error.ts';
import { parseKeep } from './keep.ts';
import { natsServersOf } from './nats-servers.ts';
import { flagOf, type Settings } from './settings.ts';
import type { Given } from './sources.ts';

/**
 * Throws a `ConfigError`, which begins with the place in a file of the first setting that it names. Of the descriptors,
 * `max` may be open, and `kept` are not for connections.
 */
export function checkRelations(
  config: Settings,
  given: ReadonlyMap<keyof Settings, Given>,
  descriptors: { kept: number; max: number },
): void {
  const named: (keyof Settings)[] = [];
  const nameOf = (key: keyof Settings) => given.get(key)?.name;
  // Called only to write what is wrong.
  const name = (key: keyof Settings) => {
    named.push(key);
    return nameOf(key) ?? flagOf(key);
  };
  try {
    checkAll(config, nameOf, name, descriptors);
  } catch (error) {
    const place = named.map(key => given.get(key)?.place).find(where => where !== undefined);
    if (place === undefined || !(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${place}: ${error.message}`);
  }
}

/** `nameOf`: under which the user gave a setting; `name`: the same, or that of its flag. */
function checkAll(
  config: Settings,
  nameOf: (key: keyof Settings) => string | undefined,
  name: (key: keyof Settings) => string,
  descriptors: { kept: number; max: number },
): void {
  const { ring, drainMsMin, drainMsMax, graceMsMax, joinMsMax, shutdownMsMax } = config;
  if ((ring & (ring - 1)) !== 0) {
    throw new ConfigError(
      `${name('ring')} ${ring} is not a power of two; the next is ${2 ** Math.ceil(Math.log2(ring))}`,
    );
  }
  if (config.cluster === '') checkJournal(config, nameOf, name);
  checkCluster(config, nameOf, name);
  checkAccess(config, nameOf, name);
  const room = descriptors.max - descriptors.kept;
  const allowed = `this process may open ${descriptors.max} (ulimit -n)`;
  if (room < 1)
    throw new ConfigError(`the server needs ${descriptors.kept + 1} descriptors at least; ${allowed}`);
  if (config.connectionsMax > room) {
    throw new ConfigError(
      `${name('connectionsMax')} ${config.connectionsMax} needs ${config.connectionsMax + descriptors.kept} ` +
        `descriptors; ${allowed}, which is enough for ${room}`,
    );
  }
  if (config.http > 0 && config.http === config.port)
    throw new ConfigError(`${name('http')} ${config.http} is the port of the events; take another, or 0`);
  if (drainMsMin > drainMsMax) {
    throw new ConfigError(`${name('drainMsMin')} ${drainMsMin} is above ${name('drainMsMax')} ${drainMsMax}`);
  }
  const stages = drainMsMax + graceMsMax + joinMsMax;
  if (stages > shutdownMsMax) {
    throw new ConfigError(
      `the stages of the shutdown take up to ${stages} ms (${name('drainMsMax')} ${drainMsMax}, ${name('graceMsMax')} ` +
        `${graceMsMax}, ${name('joinMsMax')} ${joinMsMax}), more than ${name('shutdownMsMax')} ${shutdownMsMax}`,
    );
  }
}

function checkAccess(
  config: Settings,
  nameOf: (key: keyof Settings) => string | undefined,
  name: (key: keyof Settings) => string,
): void {
  const { tlsCert, tlsKey, tlsClientCa, tokens, jwtKeys, jwtAudience, jwtIssuer } = config;
  if (tlsKey !== '' && tlsCert === '')
    throw new ConfigError(`${name('tlsKey')} needs the certificate: --tls-cert FILE`);
  if (tlsClientCa !== '' && tlsCert === '')
    throw new ConfigError(`${name('tlsClientCa')} is about TLS; say with --tls-cert FILE who the server is`);
  const ofJwt = (['jwtAudience', 'jwtIssuer'] as const).find(key => nameOf(key) !== undefined);
  if (jwtKeys === '' && ofJwt !== undefined)
    throw new ConfigError(
      `${nameOf(ofJwt)} is about JSON Web Tokens; say with --jwt-keys FILE who signs them`,
    );
  if (jwtKeys !== '' && (jwtAudience === '' || jwtIssuer === ''))
    throw new ConfigError(
      `${name('jwtKeys')} needs --jwt-audience and --jwt-issuer: a token for others is not for this server`,
    );
  // Whoever says that nothing is open must not find all of it open.
  if (config.httpOpen === 'none' && tokens === '' && jwtKeys === '')
    throw new ConfigError(`${name('httpOpen')} none is about tokens; say with --tokens FILE which there are`);
  if (nameOf('rateToken') !== undefined && config.rateToken > 0 && tokens === '' && jwtKeys === '')
    throw new ConfigError(`${nameOf('rateToken')} is about tokens; say with --tokens FILE which there are`);
}

const OF_JOURNAL = ['sync', 'syncMs', 'segmentBytes', 'journalKeep'] as const;

function checkJournal(
  config: Settings,
  nameOf: (key: keyof Settings) => string | undefined,
  name: (key: keyof Settings) => string,
): void {
  const alone = OF_JOURNAL.find(key => nameOf(key) !== undefined);
  if (config.data === '' && alone !== undefined)
    throw new ConfigError(`${name(alone)} is about a journal; say with --data DIR where it is`);
  if (nameOf('syncMs') !== undefined && config.sync !== 'interval')
    throw new ConfigError(`${name('syncMs')} is for --sync interval; --sync is ${config.sync}`);
  if (config.segmentBytes % 4_096 !== 0)
    throw new ConfigError(`${name('segmentBytes')} ${config.segmentBytes} is no multiple of 4096`);
  if (parseKeep(config.journalKeep) === undefined)
    throw new ConfigError(
      `${name('journalKeep')} ${config.journalKeep} is neither none nor all, nor a time (12h, 30d) or a size (500MB, 10GB)`,
    );
}

const OF_CLUSTER = [
  'node',
  'clusterName',
  'clusterPartitions',
  'clusterReplicas',
  'clusterSnapshotBlocks',
  'clusterCreds',
  'clusterCa',
  'clusterCert',
  'clusterKey',
] as const;
/** A node has no rings, and the cluster keeps the journal. */
const NOT_OF_CLUSTER = ['workers', 'ring', 'workUs', 'firstSequence', ...OF_JOURNAL] as const;

function checkCluster(
  config: Settings,
  nameOf: (key: keyof Settings) => string | undefined,
  name: (key: keyof Settings) => string,
): void {
  const { cluster, node, clusterName, clusterCert, clusterKey } = config;
  const alone = OF_CLUSTER.find(key => nameOf(key) !== undefined);
  if (cluster === '') {
    if (alone !== undefined)
      throw new ConfigError(
        `${name(alone)} is about a cluster; say with --cluster nats://HOST:PORT where it is`,
      );
    return;
  }
  for (const server of natsServersOf(cluster))
    if (server === undefined)
      throw new ConfigError(
        `${name('cluster')} ${cluster} is no list of nats://HOST:PORT, with commas between them`,
      );
  if (node === '') throw new ConfigError(`${name('cluster')} needs a name for this node: --node NAME`);
  if (!/^[\w-]{1,64}$/.test(node))
    throw new ConfigError(`${name('node')} ${node} is no name of letters, digits, - and _, 64 at most`);
  // It goes into names of streams in capitals, too.
  if (!/^[a-z][a-z0-9_-]{0,30}$/.test(clusterName))
    throw new ConfigError(
      `${name('clusterName')} ${clusterName} is no name of small letters, digits, - and _, 31 at most, a letter first`,
    );
  if (cluster.includes('@') && nameOf('cluster')?.startsWith('--'))
    throw new ConfigError(
      `a password in ${name('cluster')} can be seen by others (ps); give it in TALLY_CLUSTER, or in a file of settings`,
    );
  const other = NOT_OF_CLUSTER.find(key => nameOf(key) !== undefined);
  if (other !== undefined)
    throw new ConfigError(`${name(other)} is for a server alone; with ${name('cluster')} it means nothing`);
  if ((clusterCert === '') !== (clusterKey === ''))
    throw new ConfigError(`${name('clusterCert')} and ${name('clusterKey')} go together`);
}
