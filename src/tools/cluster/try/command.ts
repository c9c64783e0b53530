/** `tally cluster try`: a cluster on this machine to play with, from the arguments to the exit code. */
import { exitOnSignals, runCommand } from '../../../cli/terminal/command.ts';
import { canRepaint, isTerminal } from '../../../cli/terminal/terminal.ts';
import { tryLive } from './live.ts';
import { readOptions } from './options.ts';
import { tryPlain } from './plain.ts';
import { Trial } from './trial.ts';

const HELP = `tally cluster try: a cluster on this machine, to play with: three NATS servers, three nodes, and what happens when
they die.

  tally cluster try                                  on a terminal: a live table, and keys that kill
  tally cluster try --seconds 20 --kill nats-leader --kill node
                                                     without one: kills one after the other, and says what that did
  echo 1 | tally cluster try                         the same keys, from a pipe; the end of the input ends it

It starts all six as processes of their own, on free ports of 127.0.0.1, with their files in a temporary folder, and
prints a netcat line for each node. Any node may be asked anything: all have the same balances. A load runs beside, through
all nodes: events with ids, a quarter of them transfers. What had no answer when a node died is sent again, to another
one, until it has been decided. Meanwhile each node is asked for all balances whose events are decided, again and again:
they must be those of the answers, to the last unit, or the last line says what is wrong.

Look at this: kill a node, and its clients go on at another one at once. Kill the NATS server that leads most streams:
acknowledgements stop for some seconds, until the other two have new leaders, and nothing is lost. Kill two of the three
NATS servers: nothing is acknowledged until one is back, because two of three must have a block before its events are
accepted. Balances can be read all the while.

  --seconds N     how long the load goes on, without keys; then all is checked, and ended
  --kill WHAT     node, or nats-leader: is killed with SIGKILL, and started again when it is clear what that held up;
                  may be given several times (then --seconds is 10, if it is not given)
  --http          each node has a live page, too

Keys: 1 2 3 kill a node with SIGKILL, or start it again; 4 5 6 (or a b c) do that to a NATS server; l has the load on or
off; q quits. Whatever ends it, its processes and its folder are gone; only after kill -9 of it, its folder
(tally-try-… where temporary files are) stays.

In the table: acked in is the time from sending a block of events to its acknowledgement; lag, how many blocks are stored
and not applied by the node. Each partition of events is a stream, and there are a few more, for what is shared; one NATS
server leads each stream, and one of them also makes new streams. One is unwell while a stream has no leader, as after a
kill, or while it catches up. A node is degraded while it can store nothing.

It needs nats-server: apt-get install nats-server, or https://github.com/nats-io/nats-server/releases.

Exit codes: 0 nothing was lost, 1 something is wrong, or it could not start, 2 wrong usage, 129, 130 or 143 ended by a
signal.
`;

export function tryCommand(args: string[]): Promise<void> {
  return runCommand('cluster try', HELP, args, async () => {
    const options = readOptions(args);
    exitOnSignals();
    const isLive = canRepaint(process.stdout) && isTerminal(process.stdin) && options.loadMs === undefined;
    const say = (what: string) => void (isTerminal(process.stdout) && process.stdout.write(`${what}\n`));
    const trial = await Trial.start({ http: options.http, say });
    return isLive ? tryLive(trial) : tryPlain(trial, options);
  });
}
