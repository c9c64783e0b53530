/**
 * What the server says when it has started: where it listens, how to try it, and what it has read.
 */
import { isIPv6 } from 'node:net';
import type { Cluster } from '../cluster/cluster.ts';
import type { ListenAddress } from '../config/addresses.ts';
import type { Settings } from '../config/settings.ts';
import type { Journal } from '../journal/journal.ts';
import { grouped, type Log } from '../log.ts';
import type { ListensAt } from '../net/listener.ts';

/** `addresses` are those asked for, and `at` where each really is. */
export function announce(
  log: Log,
  settings: Settings,
  version: string,
  addresses: readonly ListenAddress[],
  at: readonly ListensAt[],
  httpAt: ListensAt | undefined,
  hasJournal: boolean,
): void {
  const { httpHost, workers, ring, users, connectionsMax } = settings;
  const first = addresses[0]!;
  const { port } = at[0]!;
  const host = first.is === 'tcp' ? first.host : at[0]!.address;
  const http = httpAt?.port;
  const isHttps = settings.tlsCert !== '';
  const tryIt = tryItWith(settings, first, reachable(host), port);
  const shown = at.map((one, index) => shownAddress(addresses[index]!, one));
  const fields = {
    host,
    port,
    http,
    httpHost: http === undefined ? undefined : httpHost,
    pid: process.pid,
    version,
    workers,
    ring,
    users,
    connectionsMax,
    tls: first.isTls || undefined,
    addresses: shown.length > 1 ? shown : undefined,
    try: tryIt,
  };
  const where = [`${host}:${port}${first.isTls ? ' (TLS)' : ''}`, ...shown.slice(1)];
  const lines = [
    `${log.style('bold', `Tally ${version}`)} listens on ${where.map(one => log.style('cyan', one)).join(', ')}, ${workers} worker${workers === 1 ? '' : 's'}, pid ${process.pid}`,
  ];
  if (http !== undefined)
    lines.push(
      `live page: ${log.style('cyan', `${isHttps ? 'https' : 'http'}://${inAddress(reachable(httpHost))}:${http}/`)}`,
    );
  lines.push(log.style('gray', 'try, in another terminal:'), tryIt);
  lines.push(log.style('gray', 'Ctrl+C stops it; nothing that was accepted is lost.'));
  if (!hasJournal) lines.push(log.style('gray', 'Balances are in memory only; with --data DIR they stay.'));
  log.announce('listening', fields, lines.join('\n'));
}

function shownAddress(address: ListenAddress, at: ListensAt): string {
  if (address.is === 'unix') return `unix:${address.path}`;
  return `${address.isTls ? 'tls' : 'tcp'}://${inAddress(at.address)}:${at.port}`;
}

function tryItWith(settings: Settings, { isTls }: ListenAddress, host: string, port: number): string {
  const event = '{"user":"alice","action":"buy","amount":100}\\n';
  const asksWho = settings.tokens !== '' || settings.jwtKeys !== '';
  const lines = asksWho ? `{"type":"auth","token":"…"}\\n${event}` : event;
  const client = isTls ? `ncat --ssl ${host} ${port}` : `nc -N ${host} ${port}`;
  return `printf '${lines}' | ${client}`;
}

export function logRecovery(log: Log, { dir, recovered, recoveryMs }: Journal): void {
  const { epoch, events, blocks, ends } = recovered;
  const { users } = recovered.ledger;
  const isClean = epoch === 0 || ends.every(end => end.isClosed);
  const ms = Math.round(recoveryMs);
  const how = isClean ? '' : ', after a server that had not stopped by itself';
  const text =
    epoch === 0
      ? `a new journal in ${dir}`
      : `${grouped(users)} users from ${dir}, with ${grouped(events)} events behind the last snapshot, in ${ms} ms${how}`;
  log.info('recovered', { data: dir, users, events, blocks, clean: isClean, ms }, text);
}

export function logJoined(log: Log, { node, clusterName }: Settings, { opened, startMs }: Cluster): void {
  const { epoch, constitution, ends } = opened;
  const blocks = ends.reduce((sum, end) => sum + end, 0);
  const ms = Math.round(performance.now() - startMs);
  const fields = {
    node,
    cluster: clusterName,
    id: constitution.id,
    epoch,
    partitions: ends.length,
    blocks,
    ms,
  };
  const text = `node ${node} of cluster ${clusterName}, start ${epoch}, has all ${grouped(blocks)} blocks, in ${ms} ms`;
  log.info('joined', fields, text);
}

export function logLink(log: Log, isUp: boolean, reason: string): void {
  if (isUp) log.info('cluster_up', {}, 'blocks are stored again');
  else log.warn('cluster_down', { reason }, `no block can be stored: ${reason}; reads go on`);
}

/** From this machine. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

/** As a URL has it. */
function inAddress(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
