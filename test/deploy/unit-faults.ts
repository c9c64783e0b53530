/** Faults in the units, each with the promise that it breaks, and how that shows. */
import { bothEnd, natsInsists, outlivesBoth } from './cluster-promises.ts';
import * as tally from './unit-promises.ts';

type Fault = readonly [unit: string, line: string, instead: string, broken: tally.Promised, shows: RegExp];

const ALONE = 'tally.service';
const NATS = 'tally-nats.service';
const NODE = 'tally-node@.service';

export const FAULTS: readonly Fault[] = [
  [ALONE, 'EnvironmentFile=-/etc/default/tally', '', tally.starts, /answers on port 9000/],
  [
    ALONE,
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
    'RestrictAddressFamilies=AF_UNIX',
    tally.starts,
    /answers on port/,
  ],
  [ALONE, 'LimitNOFILE=65536', 'LimitNOFILE=4096', tally.starts, /connectionsMax/],
  [ALONE, 'ExecReload=/bin/kill -HUP $MAINPID', '', tally.reloads, /reload is not applicable/],
  [ALONE, 'KillSignal=SIGTERM', 'KillSignal=SIGKILL', tally.drains, /'signal' to be 'success'/],
  [ALONE, 'TimeoutStopSec=10', 'TimeoutStopSec=1', tally.drains, /'timeout' to be 'success'/],
  [ALONE, 'Restart=on-failure', '', tally.comesBack, /tally is started again/],
  [ALONE, 'StartLimitIntervalSec=0', '', tally.insists, /not to be 'failed'/],
  [ALONE, 'RestartPreventExitStatus=2', '', tally.givesUp, /it has failed/],
  ['tally.service.d/state.conf', 'StateDirectory=tally', '', tally.keeps, /answers on port/],
  [ALONE, 'DynamicUser=yes', '', tally.hasNoRights, /its user: expected 0/],
  [ALONE, 'CapabilityBoundingSet=', '', tally.hasNoRights, /CapBnd/],
  [ALONE, 'ProtectHome=yes', '', tally.isApart, /secret/],
  [ALONE, 'ProtectSystem=strict', 'ReadWritePaths=/opt', tally.isApart, /resolved "''" instead of rejecting/],
  [NATS, 'StartLimitIntervalSec=0', '', natsInsists, /not to be 'failed'/],
  [NATS, 'StateDirectory=tally-nats', '', outlivesBoth, /answers on port/],
  [NODE, 'StateDirectory=tally-node-%i', '', outlivesBoth, /answers on port/],
  [NATS, 'KillSignal=SIGUSR2', 'KillSignal=SIGKILL', bothEnd, /'signal', '9'/],
  [NODE, 'KillSignal=SIGTERM', 'KillSignal=SIGKILL', bothEnd, /'signal', '9'/],
];
