/** The flags of `tally load` read and checked, with one line for each mistake. */
import { availableParallelism } from 'node:os';
import { readHost } from '../../cli/terminal/address.ts';
import { duration, readCount, readDurationMs } from '../../cli/terminal/numbers.ts';
import { UsageError } from '../../cli/terminal/usage.ts';
import { type Credentials, readCredentials, refuseInClear, refuseTokenFlag } from '../harness/credentials.ts';
import { type Condition, readCondition } from './conditions.ts';
import { parseFlags, type Values } from './flags.ts';
import { DEFAULT_PLAN, DEFAULT_WORK, type LoadPlan, type Mix, type OwnServer, type Stage } from './plan.ts';

export interface LoadOptions {
  plan: LoadPlan;
  failIf: Condition[];
  findMax: Condition | undefined;
  /** A file, or `-`. */
  json: string | undefined;
  /** The start of the names of two files. */
  hdr: string | undefined;
  credentials: Credentials;
}

/** `warn` is told what is allowed, and may be a mistake. */
export function readOptions(
  args: string[],
  env: NodeJS.ProcessEnv = {},
  warn: (what: string) => void = () => {},
): LoadOptions {
  refuseTokenFlag(args);
  const values = parseFlags(args);
  const text = (name: string) => values[name] as string | undefined;
  const whole = (name: string, otherwise: number, min: number, max: number): number => {
    const given = text(name);
    if (given === undefined) return otherwise;
    const value = readCount(given);
    if (value === undefined || !Number.isInteger(value) || value < min || value > max)
      throw new UsageError(`--${name} ${given}: a whole number from ${min} to ${max} is needed`);
    return value;
  };
  const time = (name: string, otherwise: number, minMs = 0): number => {
    const given = text(name);
    if (given === undefined) return otherwise;
    const value = readDurationMs(given);
    if (value === undefined || value < minMs || value > TIME_MS_MAX)
      throw new UsageError(
        `--${name} ${given}: a time from ${minMs} ms to 24 h is needed, such as 500ms, 10s or 2m`,
      );
    return value;
  };
  const oneOf = <Name extends string>(name: string, names: readonly Name[], otherwise: Name): Name => {
    const given = text(name) ?? otherwise;
    if (!names.includes(given as Name))
      throw new UsageError(`--${name} ${given}: there is ${names.join(' and ')}`);
    return given as Name;
  };

  const connections = whole('connections', DEFAULT_PLAN.connections, 1, 60_000);
  const threads = whole('threads', DEFAULT_PLAN.threads, 1, 64);
  if (threads > connections)
    throw new UsageError(
      `--threads ${threads} are more than the ${connections} connections; each needs one at least`,
    );
  const events = text('events') === undefined ? undefined : whole('events', 0, 1, 1e12);
  const durationMs = time('duration', DEFAULT_PLAN.durationMs!, 1);
  const protocol = oneOf('protocol', ['tally', 'redis'], 'tally');
  const credentials = readCredentials(values, protocol === 'redis' ? {} : env, warn);
  if (protocol === 'redis' && credentials.token !== undefined)
    throw new UsageError('--token-file is not for --protocol redis');
  const users = whole('users', DEFAULT_WORK.users, 1, 10_000_000);
  const mix = readMix(text('mix'));
  const min = text('min') === undefined ? undefined : readMin(text('min')!);
  refuseMix(values, mix, users);
  const server = readServer(values, time);
  const plan: LoadPlan = {
    host: readHost(text('host') ?? DEFAULT_PLAN.host, '--host '),
    port: whole('port', 7878, 1, 65_535),
    tls: credentials.tls !== undefined,
    protocol,
    connections,
    threads,
    pipeline: whole('pipeline', DEFAULT_PLAN.pipeline, 1, 1_000_000),
    stages: readStages(values, durationMs, events),
    // A number of lines is limited by time only if a time was given too.
    durationMs: events !== undefined && text('duration') === undefined ? undefined : durationMs,
    events,
    // A probe has one of its own, unless it was told how long.
    warmupMs: time('warmup', text('find-max') === undefined ? 0 : PROBE_WARMUP_MS),
    graceMs: time('grace', DEFAULT_PLAN.graceMs, 1),
    connectMs: time('connect-timeout', DEFAULT_PLAN.connectMs, 1),
    server,
    reconnect: values.reconnect === true || values.ids === true || server?.killEveryMs !== undefined,
    // A thread that never rests would take the server's core.
    pace: oneOf('pace', ['precise', 'thrifty'], threads < availableParallelism() ? 'precise' : 'thrifty'),
    seed: whole('seed', DEFAULT_PLAN.seed, 0, 2 ** 32 - 1),
    work: {
      users,
      userPrefix: text('user-prefix') ?? DEFAULT_WORK.userPrefix,
      ...readSkew(text('skew')),
      mix,
      amount: whole('amount', DEFAULT_WORK.amount, 1, 1e12),
      min,
      ids: values.ids === true,
      replayFile: text('replay'),
    },
    checkBalances: values['check-balances'] === true,
  };
  if (Buffer.byteLength(plan.work.userPrefix) > PREFIX_BYTES_MAX)
    throw new UsageError(
      `--user-prefix: with its number, a name may have 128 bytes; ${PREFIX_BYTES_MAX} at most`,
    );
  refuseNoKill(plan);
  refuseInClear(credentials, plan.host, values);
  const findMax = text('find-max') === undefined ? undefined : readCondition(text('find-max')!);
  if (findMax !== undefined && plan.stages !== undefined)
    throw new UsageError('--find-max looks for the rate itself; leave --rate and --stages out');
  if (findMax !== undefined && findMax.of !== 'rate' && !findMax.isUpperLimit)
    throw new UsageError(
      `--find-max "${findMax.text}" holds when the server is bad; a limit is needed, such as 'p99<10ms'`,
    );
  for (const other of ['events', 'fail-if', 'hdr', 'cmd'])
    if (findMax !== undefined && values[other] !== undefined)
      throw new UsageError(`--find-max makes many runs; leave --${other} out`);
  const failIf = ((values['fail-if'] as string[] | undefined) ?? []).map(readCondition);
  const aboutMoney = failIf.find(({ text: condition }) => /^\s*(lost|surplus)\b/.test(condition));
  if (aboutMoney !== undefined && !plan.checkBalances)
    throw new UsageError(`--fail-if "${aboutMoney.text}" needs --check-balances`);
  return {
    plan,
    failIf,
    findMax,
    json: text('json'),
    hdr: text('hdr'),
    credentials,
  };
}

const START_MS = 30_000;
const PROBE_WARMUP_MS = 1_000;
const TIME_MS_MAX = 24 * 3_600_000;
const PREFIX_BYTES_MAX = 120;
const RATE_MAX = 100_000_000;

function readServer(
  values: Values,
  time: (name: string, otherwise: number, minMs?: number) => number,
): OwnServer | undefined {
  const command = values.cmd as string | undefined;
  if (command === undefined) {
    for (const other of ['kill-every', 'start-timeout'])
      if (values[other] !== undefined)
        throw new UsageError(`--${other} is about the server of --cmd; give the command that starts it`);
    return undefined;
  }
  if (command.trim() === '') throw new UsageError('--cmd needs a command, such as "npx tally serve"');
  if (values.host !== undefined) throw new UsageError('--cmd starts the server here; leave --host out');
  return {
    command,
    killEveryMs: values['kill-every'] === undefined ? undefined : time('kill-every', 0, 1),
    startMs: time('start-timeout', START_MS, 1),
  };
}

/** A kill that comes when all is over shows nothing. */
function refuseNoKill({ server, stages, durationMs }: LoadPlan): void {
  const killEveryMs = server?.killEveryMs ?? 0;
  const loadMs = stages?.reduce((sum, stage) => sum + stage.durationMs, 0) ?? durationMs;
  if (loadMs !== undefined && killEveryMs >= loadMs)
    throw new UsageError(
      `--kill-every ${duration(killEveryMs)}: the load is over after ${duration(loadMs)}; nothing would be killed`,
    );
}

function readRate(text: string, flag: string): number {
  const rate = readCount(text);
  if (rate === undefined || rate > RATE_MAX)
    throw new UsageError(`${flag}: ${text} is not a number of lines a second (up to ${RATE_MAX})`);
  return rate;
}

/** Undefined: a closed loop. */
function readStages(values: Values, durationMs: number, events: number | undefined): Stage[] | undefined {
  const rateText = values.rate as string | undefined;
  const list = values.stages as string | undefined;
  if (list === undefined) {
    if (rateText === undefined) return undefined;
    const rate = readRate(rateText, '--rate');
    if (rate === 0) throw new UsageError('--rate 0 sends nothing; 1 is the least');
    const eventsMs = events === undefined ? Number.POSITIVE_INFINITY : (events / rate) * 1_000;
    const givenMs =
      events === undefined || values.duration !== undefined ? durationMs : Number.POSITIVE_INFINITY;
    const stageMs = Math.min(givenMs, eventsMs);
    if (stageMs > TIME_MS_MAX)
      throw new UsageError(`--events ${events} at --rate ${rate} would take more than 24 h`);
    return [{ durationMs: stageMs, fromPerS: rate, toPerS: rate }];
  }
  for (const other of ['rate', 'duration', 'events'])
    if (values[other] !== undefined)
      throw new UsageError(`--stages say how long and how fast; leave --${other} out`);
  const stages = list.split(',').map(part => {
    const match = /^([^:]+):([^:-]+)(?:-([^:-]+))?$/.exec(part.trim());
    const stageMs = match ? readDurationMs(match[1]!) : undefined;
    if (!match || stageMs === undefined || stageMs <= 0)
      throw new UsageError(
        `--stages: "${part}" is not a stage; 10s:1000 holds a rate, 10s:1000-5000 goes from one to another`,
      );
    const fromPerS = readRate(match[2]!, '--stages');
    return {
      durationMs: stageMs,
      fromPerS,
      toPerS: match[3] === undefined ? fromPerS : readRate(match[3], '--stages'),
    };
  });
  if (stages.every(({ fromPerS, toPerS }) => fromPerS + toPerS === 0))
    throw new UsageError('--stages: all rates are 0, so nothing would be sent');
  if (stages.reduce((sum, stage) => sum + stage.durationMs, 0) > TIME_MS_MAX)
    throw new UsageError('--stages take more than 24 h');
  return stages;
}

function readSkew(text: string | undefined): { skew: 'uniform' | 'zipf'; zipfExponent: number } {
  const { zipfExponent } = DEFAULT_WORK;
  if (text === undefined || text === 'uniform') return { skew: 'uniform', zipfExponent };
  const match = /^zipf(?::(\d+(?:\.\d+)?))?$/.exec(text);
  if (!match) throw new UsageError(`--skew ${text}: there is uniform, zipf and zipf:1.2`);
  return { skew: 'zipf', zipfExponent: match[1] === undefined ? zipfExponent : Number(match[1]) };
}

function readMix(text: string | undefined): Mix {
  if (text === undefined) return DEFAULT_WORK.mix;
  const mix: Mix = { buy: 0, sell: 0, wait: 0, transfer: 0, balance: 0, metrics: 0, health: 0, garbage: 0 };
  for (const part of text.split(',')) {
    const [kind, share, ...rest] = part.split('=').map(word => word.trim());
    const value = share === undefined ? 1 : Number(share);
    if (!kind || !Object.hasOwn(mix, kind))
      throw new UsageError(
        `--mix: there are no ${kind || 'nameless'} lines; there are ${Object.keys(mix).join(', ')}`,
      );
    if (rest.length > 0 || !Number.isFinite(value) || value < 0 || share === '')
      throw new UsageError(`--mix: ${part} is not a share, such as buy=80`);
    mix[kind as keyof Mix] = value;
  }
  if (Object.values(mix).every(share => share === 0)) throw new UsageError('--mix: every share is 0');
  return mix;
}

function readMin(text: string): number {
  const value = readCount(text.replace(/^-/, ''));
  if (!Number.isSafeInteger(value)) throw new UsageError(`--min ${text}: a whole number is needed`);
  return text.startsWith('-') ? -value! : value!;
}

/** What does not go with the lines that are sent. */
function refuseMix(values: Values, mix: Mix, users: number): void {
  if (values.protocol === 'redis') {
    if (mix.metrics + mix.garbage > 0)
      throw new UsageError('--mix: metrics and garbage lines are not for --protocol redis');
    if (values.replay !== undefined)
      throw new UsageError(
        '--replay sends the lines of a file as they are; that is not for --protocol redis',
      );
    if (mix.transfer > 0) throw new UsageError('--mix: transfers are not for --protocol redis');
  }
  for (const flag of ['ids', 'min']) {
    if (values[flag] === undefined) continue;
    if (values.protocol === 'redis') throw new UsageError(`--${flag} is not for --protocol redis`);
    if (values.replay !== undefined)
      throw new UsageError(`--replay sends the lines of a file as they are; leave --${flag} out`);
  }
  if (mix.transfer > 0 && users === 1)
    throw new UsageError('--mix: a transfer takes two users; --users 2 at least');
  if (values.min !== undefined && mix.sell + mix.transfer === 0)
    throw new UsageError('--min is about sales and transfers; give --mix some, such as buy=70,sell=30');
  if (values.ids !== undefined && mix.buy + mix.sell + mix.wait + mix.transfer === 0)
    throw new UsageError('--ids are for events; give --mix some, such as buy=1');
}
