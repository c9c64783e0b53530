/** `tally cluster status`: how a cluster is, asked of NATS and not of a node. */
import { CommandError, Exit, exitOnSignals, jsonOf, runCommand } from '../../cli/terminal/command.ts';
import { printForMachines } from '../../cli/terminal/output.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { readArgs, UsageError } from '../../cli/terminal/usage.ts';
import { ConfigError } from '../../config/config-error.ts';
import { natsServersOf } from '../../config/nats-servers.ts';
import { openConnection } from '../connection.ts';
import { readNatsCredentials } from '../credentials.ts';
import { DEFAULT_CLUSTER } from '../link-options.ts';
import { CLUSTER_NAME_RULE, isClusterName } from '../names.ts';
import { lookAtCluster, problemsOf } from './looking.ts';
import { statusJson, statusText } from './printing.ts';

const HELP = `tally cluster status: how a cluster is: its nodes, its streams, its snapshots. It asks NATS, and changes nothing.

  tally cluster status --cluster nats://10.0.0.1,nats://10.0.0.2
  tally cluster status --cluster nats://10.0.0.1 --json

A node is running if it renews its key while we look, up to 3 s; silent if it does not, and has not ended either. A stream
without a leader stores nothing until its servers have elected one.

  --cluster SERVERS     where NATS is, as for tally serve (TALLY_CLUSTER; nats://127.0.0.1:4222)
  --cluster-name NAME   which cluster (TALLY_CLUSTER_NAME; ${DEFAULT_CLUSTER})
  --cluster-creds FILE  credentials for NATS (TALLY_CLUSTER_CREDS)
  --cluster-ca FILE     the certificate, PEM, that signs those of the servers of NATS (TALLY_CLUSTER_CA)
  --cluster-cert FILE   a certificate of our own, PEM, and its key (TALLY_CLUSTER_CERT, TALLY_CLUSTER_KEY)
  --cluster-key FILE
  --json                one object, for machines

Exit codes: 0 all is well, 1 something is not (a line says what), or NATS can't be asked, 2 wrong usage.
`;

const OPTIONS = {
  cluster: { type: 'string' },
  'cluster-name': { type: 'string' },
  'cluster-creds': { type: 'string' },
  'cluster-ca': { type: 'string' },
  'cluster-cert': { type: 'string' },
  'cluster-key': { type: 'string' },
  json: { type: 'boolean' },
} as const;

const STANDARD = 'nats://127.0.0.1:4222';
const CONNECTING_MS_MAX = 5_000;

export function statusCommand(args: string[]): Promise<void> {
  return runCommand('cluster status', HELP, args, async () => {
    const { link, json } = readOptions(args, process.env);
    exitOnSignals();
    const nats = await openConnection({ ...link, node: 'status' }, CONNECTING_MS_MAX);
    try {
      const seen = await lookAtCluster(nats, link.cluster);
      const problems = problemsOf(seen);
      if (json) printForMachines(`${jsonOf(statusJson(seen, problems), 2)}\n`);
      else process.stdout.write(statusText(seen, problems));
      return problems.length === 0 ? Exit.ok : Exit.failed;
    } catch (error) {
      throw new CommandError((error as Error).message);
    } finally {
      await nats.close();
    }
  });
}

function readOptions(args: string[], env: NodeJS.ProcessEnv) {
  const { values, positionals } = readArgs('cluster status', args, OPTIONS);
  if (positionals[0] !== undefined)
    throw new UsageError(`${quoteIfNeeded(positionals[0])} is one word too many`);
  const value = (flag: Exclude<keyof typeof OPTIONS, 'json'>) =>
    values[flag] ?? env[`TALLY_${flag.toUpperCase().replaceAll('-', '_')}`] ?? '';
  const where = value('cluster') || STANDARD;
  const servers = natsServersOf(where).map(server => {
    if (server === undefined)
      throw new UsageError(
        `--cluster ${quoteIfNeeded(where)} is no list of nats://HOST:PORT, with commas between them`,
      );
    return server;
  });
  const cluster = value('cluster-name') || DEFAULT_CLUSTER;
  if (!isClusterName(cluster))
    throw new UsageError(
      `--cluster-name ${quoteIfNeeded(cluster)} is no name of a cluster: ${CLUSTER_NAME_RULE}`,
    );
  const files = {
    clusterCreds: value('cluster-creds'),
    clusterCa: value('cluster-ca'),
    clusterCert: value('cluster-cert'),
    clusterKey: value('cluster-key'),
  };
  if ((files.clusterCert === '') !== (files.clusterKey === ''))
    throw new UsageError('--cluster-cert and --cluster-key belong together');
  try {
    const credentials = readNatsCredentials(files, servers);
    return {
      link: { servers: servers.map(({ address }) => address), credentials, cluster },
      json: values.json === true,
    };
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message);
    throw error;
  }
}
