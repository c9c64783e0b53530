/**
 * Every setting of the server: its default, its range, its purpose, and whether it may change while the server runs.
 * sources.ts and file.ts read their values, check.ts checks them against one another.
 *
 * Code reads a setting that may change at every use and keeps no copy, so a change takes effect at once. (What runs
 * already by an old value, such as a timer, is told: see server/reload.ts.)
 */
import type { WorkKind } from '../engine/memory-layout.ts';
import type { Sync } from '../journal/lane-writer.ts';
import type { LogFormat, LogLevel } from '../log.ts';
import { CLUSTER } from './cluster-settings.ts';
import { THIS_MACHINE, workersFor } from './machine.ts';
import { changeable, choice, fixed, integer, type Setting, text } from './setting.ts';

export interface Settings {
  config: string;
  host: string;
  port: number;
  http: number;
  httpHost: string;
  httpOpen: 'none' | 'probes' | 'all';
  backlog: number;
  listen: string;
  socket: string;
  socketMode: string;
  proxyProtocol: boolean;
  exposed: boolean;
  workers: number;
  ring: number;
  users: number;
  idsMax: number;
  idsMs: number;
  whenFull: 'reject' | 'wait';
  data: string;
  sync: Sync;
  syncMs: number;
  segmentBytes: number;
  journalKeep: string;
  cluster: string;
  node: string;
  clusterName: string;
  clusterPartitions: number;
  clusterReplicas: number;
  clusterSnapshotBlocks: number;
  clusterCreds: string;
  clusterCa: string;
  clusterCert: string;
  clusterKey: string;
  tlsCert: string;
  tlsKey: string;
  tlsClientCa: string;
  tokens: string;
  jwtKeys: string;
  jwtAudience: string;
  jwtIssuer: string;
  authMsMax: number;
  rateConnection: number;
  rateAddress: number;
  rateToken: number;
  rateUser: number;
  rateBurstMs: number;
  addressConnectionsMax: number;
  workUs: number;
  work: WorkKind;
  firstSequence: number;
  lineBytesMax: number;
  connectionsMax: number;
  turnMsMax: number;
  unsentBytesMax: number;
  blockedMsMax: number;
  partialMsMax: number;
  idleMsMax: number;
  keepaliveMs: number;
  drainMsMin: number;
  drainMsMax: number;
  graceMsMax: number;
  joinMsMax: number;
  shutdownMsMax: number;
  debugRequests: boolean;
  logLevel: LogLevel;
  logFormat: LogFormat;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Linux takes at most so many seconds. */
const KEEPALIVE_MS_MAX = 32_767_000;
const RATE_MAX = 10_000_000;
const LIMITS = 'Limits on clients';

/** In the order of `tally serve --help`. */
export const SETTINGS: Record<keyof Settings, Setting> = {
  ...fixed('Where settings come from', {
    config: text(
      '',
      'a file',
      'file of settings, in TOML: tally config --help. Variables and flags win over it',
    ),
  }),
  ...fixed('Where it listens', {
    host: text('127.0.0.1', 'an address or a name', 'address to listen on; the default is loopback only'),
    port: integer(7878, 0, 65_535, 'port to listen on; 0 takes a free one and reports it'),
    http: integer(-1, -1, 65_535, 'port for a live page, metrics and probes; -1: none'),
    httpHost: text('127.0.0.1', 'an address or a name', 'address of that port; the default is loopback only'),
    httpOpen: choice(
      'probes',
      ['none', 'probes', 'all'],
      'what of it needs no token, where clients need one',
    ),
    backlog: integer(511, 1, 65_535, 'connections that may wait to be accepted'),
    listen: text(
      '',
      'addresses',
      'further addresses: tcp://HOST:PORT, tls://HOST:PORT, with commas between them',
      'tcp://[::1]:7878',
    ),
    socket: text('', 'a path', 'a Unix socket to listen on, too', '/run/tally/tally.sock'),
    socketMode: text('660', 'a mode', 'who may connect to it: the mode of its file'),
    proxyProtocol: {
      is: 'switch',
      default: false,
      help: 'connections to the port are from a balancer that says whose they are (PROXY protocol, version 2)',
    },
    exposed: {
      is: 'switch',
      default: false,
      help: 'that others reach the server without TLS or tokens is meant: no warning',
    },
  }),
  ...fixed('The pipeline', {
    workers: integer(
      workersFor(THIS_MACHINE),
      1,
      64,
      'worker threads; the default is one less than the cores, at least 1',
    ),
    ring: integer(65_536, 2, 2 ** 22, 'slots of the ring before each worker; a power of two'),
    users: integer(2 ** 20, 1, 2 ** 24, 'users at most; an event for one more is too_many_users'),
    idsMax: integer(
      2 ** 22,
      0,
      2 ** 26,
      'ids of events remembered at most; an event with one more is server_busy',
    ),
    idsMs: integer(
      10 * MINUTE_MS,
      1,
      7 * DAY_MS,
      'how long an id is remembered at least, from its first reply',
    ),
    whenFull: choice(
      'reject',
      ['reject', 'wait'],
      'at a full ring: reject answers server_busy; wait reads no more from that client for a while',
    ),
    workUs: integer(0, 0, 10_000_000, 'for experiments: what each event costs its worker, in microseconds'),
    work: choice('cpu', ['block', 'cpu'], 'for experiments: whether that cost is a wait or a spin'),
    firstSequence: integer(
      0,
      0,
      2 ** 32 - 1,
      'for tests: where the sequences of the rings start; they wrap at 2^32',
    ),
  }),
  ...fixed('What stays', {
    data: text(
      '',
      'a folder',
      'folder of a journal: balances outlive the server, and a crash; none: they are in memory only',
      '/var/lib/tally',
    ),
    sync: choice(
      'always',
      ['always', 'interval', 'never'],
      'when what is acknowledged is on the disk: at once, every --sync-ms, or some time',
    ),
    syncMs: integer(1_000, 1, HOUR_MS, 'for --sync interval: how often'),
    segmentBytes: integer(
      2 ** 26,
      65_536,
      2 ** 30,
      "bytes of a journal's file; a multiple of 4096. Files grow up to it",
    ),
    journalKeep: text(
      'none',
      'none, all, a time, a size',
      'history kept for tally journal: none, all, a time (12h, 30d), a size (500MB, 10GB)',
    ),
  }),
  ...fixed('More than one machine', CLUSTER),
  ...fixed('Who may connect, and do what', {
    tlsCert: text(
      '',
      'a file',
      'file of a certificate, PEM, with its chain: clients speak TLS; read again by SIGHUP',
      '/etc/tally/cert.pem',
    ),
    tlsKey: text(
      '',
      'a file',
      'file of its private key, PEM; none: it is in the same file',
      '/etc/tally/key.pem',
    ),
    tlsClientCa: text(
      '',
      'a file',
      'file of authorities, PEM: every client must have a certificate of one',
      '/etc/tally/clients.pem',
    ),
    tokens: text(
      '',
      'a file',
      'file of tokens (tally token): clients say who they are; read again by SIGHUP',
      '/etc/tally/tokens',
    ),
    jwtKeys: text(
      '',
      'a file',
      'file of public keys, PEM or JWKS: their JSON Web Tokens are taken; read again by SIGHUP',
      '/etc/tally/keys.json',
    ),
    jwtAudience: text('', 'a text', 'what such a token must have as aud', 'tally'),
    jwtIssuer: text('', 'a text', 'what such a token must have as iss', 'https://login.example.org'),
  }),
  ...changeable('Who may connect, and do what', {
    authMsMax: integer(
      10_000,
      10,
      HOUR_MS,
      'how long a client may take for the handshake of TLS and to say who it is',
    ),
  }),
  ...changeable('How much they may do', {
    rateConnection: integer(0, 0, RATE_MAX, 'events a second of a connection; 0: no limit'),
    rateAddress: integer(0, 0, RATE_MAX, 'events a second of an address (of IPv6, of a /64); 0: no limit'),
    rateToken: integer(0, 0, RATE_MAX, 'events a second of a token; 0: no limit'),
    rateUser: integer(0, 0, RATE_MAX, 'events a second of a user; 0: no limit'),
    rateBurstMs: integer(1_000, 1, HOUR_MS, 'how long events that were not sent may be saved up'),
    addressConnectionsMax: integer(0, 0, 1_000_000, 'connections of an address at a time; 0: no limit'),
  }),
  ...fixed(LIMITS, {
    lineBytesMax: integer(16_384, 512, 2 ** 20, 'bytes of a line; a longer one is line_too_long'),
  }),
  ...changeable(LIMITS, {
    connectionsMax: integer(
      10_000,
      1,
      1_000_000,
      'connections at a time; further ones are too_many_connections',
    ),
    turnMsMax: integer(
      2,
      1,
      1_000,
      'how long clients that send a lot are served in one turn of the event loop before others come first',
    ),
    unsentBytesMax: integer(
      65_536,
      16_384,
      2 ** 26,
      'bytes of replies a client may leave unread before the server stops reading from it',
    ),
    blockedMsMax: integer(
      10_000,
      10,
      DAY_MS,
      'how long a client may leave that many replies unread before it is closed',
    ),
    partialMsMax: integer(30_000, 10, DAY_MS, 'how long a line may take from its first byte to its end'),
    idleMsMax: integer(0, 0, DAY_MS, 'how long a connection may say nothing; 0: for ever'),
    keepaliveMs: integer(
      60_000,
      0,
      KEEPALIVE_MS_MAX,
      'silence after which TCP asks whether the client is still there, in whole seconds; 0: never',
    ),
  }),
  ...changeable('The stages of the shutdown', {
    drainMsMin: integer(100, 0, MINUTE_MS, 'how long clients that are connected hear shutting_down at least'),
    drainMsMax: integer(6_000, 10, HOUR_MS, 'how long the rings may take to empty'),
    graceMsMax: integer(1_000, 0, MINUTE_MS, 'how long clients have to read their last replies and close'),
    joinMsMax: integer(500, 10, MINUTE_MS, 'how long the workers have to leave'),
    shutdownMsMax: integer(8_000, 50, HOUR_MS, 'the whole shutdown, whatever happens'),
  }),
  ...changeable('Other', {
    debugRequests: {
      is: 'switch',
      default: false,
      help: 'answer {"type":"debug",…}: freeze, thaw and kill workers',
    },
    logLevel: choice(
      'info',
      ['error', 'warn', 'info', 'debug'],
      'how much is logged; never a line per event',
    ),
    logFormat: choice('auto', ['auto', 'text', 'json'], 'auto: text on a terminal, JSON lines elsewhere'),
  }),
};

export const KEYS = Object.keys(SETTINGS) as (keyof Settings)[];

/** In files of settings, and in what is said about them. */
export function nameOf(key: keyof Settings): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

export function flagOf(key: keyof Settings): string {
  return `--${nameOf(key)}`;
}

export function variableOf(key: keyof Settings): string {
  return `TALLY_${key.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`;
}
