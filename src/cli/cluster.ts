/** `tally cluster`: finds which of its commands is meant. Each is loaded on demand. */
import { runCommand } from './terminal/command.ts';
import { orNearest } from './terminal/nearest.ts';
import { quoteIfNeeded } from './terminal/quoting.ts';
import { UsageError } from './terminal/usage.ts';

const HELP = `tally cluster: several machines with the same balances, as nodes that share a journal in NATS JetStream.

  tally cluster status   its nodes, streams and snapshots, as NATS knows them
  tally cluster try      a cluster on this machine, to play with: kill its servers, and look what happens

tally cluster try --help and tally cluster status --help have their flags.

A server becomes a node by its flags:

  tally serve --cluster nats://10.0.0.1,nats://10.0.0.2,nats://10.0.0.3 --node shop-1

Exit codes: 0 done, 1 not done (one line says why), 2 wrong usage.
`;

/** By name. */
const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  status: async args => (await import('../cluster/cli/status.ts')).statusCommand(args),
  try: async args => (await import('../tools/cluster/try/command.ts')).tryCommand(args),
};

export function clusterCommand([name = '', ...args]: string[]): Promise<void> {
  const command = COMMANDS[name];
  if (command !== undefined) return command(args);
  return runCommand('cluster', HELP, [name, ...args], () => {
    const names = Object.keys(COMMANDS);
    throw new UsageError(
      name === '' || name.startsWith('-')
        ? `${names.join(' or ')}? tally cluster --help says more`
        : `unknown command: ${quoteIfNeeded(name)}${orNearest(name, names)}; tally cluster --help lists them`,
    );
  });
}
