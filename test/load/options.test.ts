import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { LOAD_HELP } from '../../src/tools/load/command.ts';
import { readOptions } from '../../src/tools/load/options.ts';
import { DEFAULT_PLAN, DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import { tally } from './running.ts';

const options = (flags: string) => readOptions(flags === '' ? [] : flags.split(' '));
const planOf = (flags: string) => options(flags).plan;

describe('without flags', () => {
  test('it is a closed loop of 50 clients, for ten seconds, against the default port', () => {
    expect(options('')).toEqual({
      plan: { ...DEFAULT_PLAN, port: 7878, pace: availableParallelism() > 1 ? 'precise' : 'thrifty' },
      failIf: [],
      findMax: undefined,
      json: undefined,
      hdr: undefined,
      credentials: {},
    });
    const work = { users: 10_000, userPrefix: 'u', skew: 'uniform', amount: 50, mix: { buy: 1, sell: 0 } };
    const closed = { connections: 50, pipeline: 1, threads: 1, stages: undefined, durationMs: 10_000 };
    expect(planOf('')).toMatchObject({ ...closed, protocol: 'tally', checkBalances: false, work });
  });
});

describe('flags', () => {
  test.each(
    // biome-ignore format: a table
    [
      ['--host ::1 --port 9', { host: '::1', port: 9 }],
      ['--connections 200 --pipeline 16 --threads 3', { connections: 200, pipeline: 16, threads: 3 }],
      ['--find-max p99<10ms', { warmupMs: 1_000 }],
      ['--find-max p99<10ms --warmup 20ms', { warmupMs: 20 }],
      ['--duration 500ms --warmup 2s --grace 1m --connect-timeout 3',
        { durationMs: 500, warmupMs: 2_000, graceMs: 60_000, connectMs: 3_000 }],
      ['--events 1M', { events: 1_000_000, durationMs: undefined }],
      ['--events 10_000 --duration 2s', { events: 10_000, durationMs: 2_000 }],
      ['--rate 50k', { stages: [{ durationMs: 10_000, fromPerS: 50_000, toPerS: 50_000 }] }],
      ['--rate 2000 --duration 30s', { stages: [{ durationMs: 30_000, fromPerS: 2_000, toPerS: 2_000 }] }],
      ['--rate 2000 --events 500', { stages: [{ durationMs: 250, fromPerS: 2_000, toPerS: 2_000 }] }],
      ['--rate 1000 --events 60k', { stages: [{ durationMs: 60_000, fromPerS: 1_000, toPerS: 1_000 }] }],
      ['--rate 1000 --events 60k --duration 5s', { stages: [{ durationMs: 5_000, fromPerS: 1_000, toPerS: 1_000 }] }],
      ['--stages 10s:1000,500ms:1k-50k,1m:0',
        { stages: [{ durationMs: 10_000, fromPerS: 1_000, toPerS: 1_000 }, { durationMs: 500, fromPerS: 1_000, toPerS: 50_000 }, { durationMs: 60_000, fromPerS: 0, toPerS: 0 }] }],
      ['--pace thrifty --seed 7 --check-balances', { pace: 'thrifty', seed: 7, checkBalances: true }],
      [`--threads ${availableParallelism()}`, { pace: 'thrifty' }],
      ['--cmd serve', { reconnect: false, server: { command: 'serve', killEveryMs: undefined, startMs: 30_000 } }],
      ['--cmd serve --kill-every 500ms --start-timeout 2m',
        { reconnect: true, server: { command: 'serve', killEveryMs: 500, startMs: 120_000 } }],
      ['--cmd serve --kill-every 1m --events 10', { server: { killEveryMs: 60_000 } }],
      ['--ids', { reconnect: true, work: { ids: true, min: undefined } }],
      ['--pace=precise --threads=64 --connections=64', { pace: 'precise' }],
    ],
  )('%s', (flags, plan) => expect(planOf(flags)).toMatchObject(plan));

  test.each([
    ['--users 1M --user-prefix client- --amount 7', { users: 1_000_000, userPrefix: 'client-', amount: 7 }],
    ['--skew uniform', { skew: 'uniform' }],
    ['--skew zipf', { skew: 'zipf', zipfExponent: 1 }],
    ['--skew zipf:1.2', { skew: 'zipf', zipfExponent: 1.2 }],
    [
      '--mix buy=70,sell=20,balance=10',
      { mix: { buy: 70, sell: 20, wait: 0, transfer: 0, balance: 10, metrics: 0, health: 0, garbage: 0 } },
    ],
    [
      '--mix wait,metrics=.5,health=0',
      { mix: { buy: 0, sell: 0, wait: 1, transfer: 0, balance: 0, metrics: 0.5, health: 0, garbage: 0 } },
    ],
    [
      '--mix transfer=1,sell=2 --min 0',
      { mix: { ...DEFAULT_WORK.mix, buy: 0, sell: 2, transfer: 1 }, min: 0 },
    ],
    ['--mix sell --min -1_000', { min: -1_000 }],
    ['--mix transfer --min 1M --users 2', { min: 1_000_000, users: 2 }],
    ['--replay lines.txt', { replayFile: 'lines.txt' }],
  ])('%s', (flags, work) => expect(planOf(flags).work).toMatchObject(work));

  test('of what is done with the result', () => {
    const { failIf, json, hdr } = options('--fail-if p99>5ms --fail-if busy>1% --json - --hdr run');
    expect(failIf.map(({ text }) => text)).toEqual(['p99>5ms', 'busy>1%']);
    expect({ json, hdr }).toEqual({ json: '-', hdr: 'run' });
    expect(options('--find-max p99<1ms --json -')).toMatchObject({ findMax: { text: 'p99<1ms' }, json: '-' });
  });
});

describe('a mistake is one line that says what is wrong and what would be right', () => {
  test.each([
    ['--pots 1', /^unknown flag --pots; tally load --help lists the flags$/],
    ['--port', /^--port needs a value; tally load --help shows how$/],
    ['--check-balances=yes', /^--check-balances takes no value$/],
    ['--rate -5', /^--rate: -5 is not a number of lines a second/],
    ['localhost', /^localhost: flags only; the server is given by --host and --port$/],
    ['--port 0', /^--port 0: a whole number from 1 to 65535 is needed$/],
    ['--port 65536', /^--port 65536: a whole number from 1 to 65535/],
    ['--port x', /^--port x: a whole number/],
    ['--protocol http', /^--protocol http: there is tally and redis$/],
    ['--connections 0', /^--connections 0: a whole number from 1 to 60000 is needed$/],
    ['--connections 1.5', /^--connections 1\.5: a whole number/],
    ['--connections 60001', /from 1 to 60000/],
    ['--pipeline 0', /^--pipeline 0: a whole number from 1 to 1000000/],
    ['--threads 65 --connections 100', /^--threads 65: a whole number from 1 to 64/],
    ['--threads 3 --connections 2', /^--threads 3 are more than the 2 connections; each needs one at least$/],
    ['--find-max p99<1ms --hdr run', /^--find-max makes many runs; leave --hdr out$/],
    ['--find-max p99<1ms --fail-if busy>1', /^--find-max makes many runs; leave --fail-if out$/],
    ['--duration 0', /^--duration 0: a time from 1 ms to 24 h is needed, such as 500ms, 10s or 2m$/],
    ['--duration ten', /^--duration ten: a time/],
    ['--duration 25h', /^--duration 25h: a time/],
    ['--events 0', /^--events 0: a whole number from 1/],
    ['--events -5', /events/],
    ['--warmup 1d', /^--warmup 1d: a time from 0 ms/],
    ['--grace 0s', /^--grace 0s: a time from 1 ms/],
    ['--connect-timeout no', /^--connect-timeout no: a time/],
    ['--pace fast', /^--pace fast: there is precise and thrifty$/],
    ['--rate 0', /^--rate 0 sends nothing; 1 is the least$/],
    ['--rate fast', /^--rate: fast is not a number of lines a second/],
    ['--rate 101M', /^--rate: 101M is not a number of lines a second \(up to 100000000\)$/],
    ['--rate 1 --events 100k', /^--events 100000 at --rate 1 would take more than 24 h$/],
    [
      '--stages 10s',
      /^--stages: "10s" is not a stage; 10s:1000 holds a rate, 10s:1000-5000 goes from one to another$/,
    ],
    ['--stages 10s:1000,', /^--stages: "" is not a stage/],
    ['--stages 0s:1000', /^--stages: "0s:1000" is not a stage/],
    ['--stages 10s:1-2-3', /is not a stage/],
    ['--stages 10s:x', /^--stages: x is not a number of lines a second/],
    ['--stages 10s:0,10s:0', /^--stages: all rates are 0, so nothing would be sent$/],
    ['--stages 23h:1,2h:1', /^--stages take more than 24 h$/],
    ['--stages 10s:1000 --rate 5', /^--stages say how long and how fast; leave --rate out$/],
    ['--stages 10s:1000 --duration 5s', /leave --duration out$/],
    ['--stages 10s:1000 --events 5', /leave --events out$/],
    ['--users 0', /^--users 0: a whole number from 1 to 10000000/],
    ['--amount 0', /^--amount 0: a whole number from 1/],
    ['--seed -1', /seed/],
    ['--seed 4294967296', /^--seed 4294967296: a whole number from 0 to 4294967295/],
    ['--skew pareto', /^--skew pareto: there is uniform, zipf and zipf:1\.2$/],
    ['--skew zipf:', /^--skew zipf:: there is/],
    ['--skew zipf:-1', /^--skew zipf:-1: there is/],
    [
      '--mix buy=80,steal=20',
      /^--mix: there are no steal lines; there are buy, sell, wait, transfer, balance, metrics, health, garbage$/,
    ],
    ['--mix toString=1', /^--mix: there are no toString lines/],
    ['--mix buy=80,', /^--mix: there are no nameless lines/],
    ['--mix buy=lots', /^--mix: buy=lots is not a share, such as buy=80$/],
    ['--mix buy=', /^--mix: buy= is not a share/],
    ['--mix buy=1=2', /is not a share/],
    ['--mix buy=-1', /is not a share/],
    ['--mix buy=0,sell=0', /^--mix: every share is 0$/],
    ['--protocol redis --mix metrics=1', /^--mix: metrics and garbage lines are not for --protocol redis$/],
    [
      '--protocol redis --replay x',
      /^--replay sends the lines of a file as they are; that is not for --protocol redis$/,
    ],
    ['--protocol redis --mix transfer=1', /^--mix: transfers are not for --protocol redis$/],
    ['--protocol redis --ids', /^--ids is not for --protocol redis$/],
    ['--protocol redis --mix sell --min 0', /^--min is not for --protocol redis$/],
    ['--replay x --ids', /^--replay sends the lines of a file as they are; leave --ids out$/],
    ['--replay x --min 0', /leave --min out$/],
    ['--min 0', /^--min is about sales and transfers; give --mix some, such as buy=70,sell=30$/],
    ['--mix sell --min 0.5', /^--min 0\.5: a whole number is needed$/],
    ['--mix sell --min 9007199254740992', /^--min 9007199254740992: a whole number/],
    ['--mix sell --min --5', /--min/],
    ['--mix transfer=1 --users 1', /^--mix: a transfer takes two users; --users 2 at least$/],
    ['--mix health=1 --ids', /^--ids are for events; give --mix some, such as buy=1$/],
    ['--ids=yes', /^--ids takes no value$/],
    ['--fail-if p99', /^"p99" is not a condition/],
    ['--fail-if lost>0', /^--fail-if "lost>0" needs --check-balances$/],
    ['--find-max p99>', /is not a condition/],
    ['--find-max p99<5ms --rate 5', /^--find-max looks for the rate itself; leave --rate and --stages out$/],
    ['--find-max p99<5ms --cmd serve', /^--find-max makes many runs; leave --cmd out$/],
    ['--kill-every 2s', /^--kill-every is about the server of --cmd; give the command that starts it$/],
    ['--start-timeout 2s', /^--start-timeout is about the server of --cmd/],
    ['--cmd= --kill-every 2s', /^--cmd needs a command, such as "npx tally serve"$/],
    ['--cmd serve --host 10.0.0.1', /^--cmd starts the server here; leave --host out$/],
    ['--cmd serve --kill-every 0', /^--kill-every 0: a time from 1 ms/],
    [
      '--cmd serve --kill-every 10s',
      /^--kill-every 10 s: the load is over after 10 s; nothing would be killed$/,
    ],
    ['--cmd serve --kill-every 4s --stages 1s:5,2s:5', /the load is over after 3 s/],
    ['--find-max p99<5ms --stages 1s:5', /^--find-max looks for the rate itself/],
  ])('%s', (flags, what) => {
    expect(() => options(flags)).toThrow(UsageError);
    expect(() => options(flags)).toThrow(what);
    expect(() => options(flags)).toThrow(/^[^\n]+$/);
  });
});

describe.concurrent('on the command line', () => {
  test('a mistake is one line on standard error, and exit code 2', async () => {
    const run = await tally(['load', '--rate', '0']);
    expect(run).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: 'tally load: --rate 0 sends nothing; 1 is the least\n',
    });
  });

  test.each([
    [
      '--replay',
      'nowhere.txt',
      /^tally load: --replay nowhere\.txt cannot be read: no such file or directory\n$/,
    ],
    [
      '--json',
      'nowhere/out.json',
      /^tally load: --json nowhere\/out\.json cannot be written: there is no folder nowhere\n$/,
    ],
    ['--json', 'test', /^tally load: --json test cannot be written: it is a folder\n$/],
    [
      '--hdr',
      'nowhere/',
      /^tally load: --hdr nowhere\/\.corrected\.hgrm cannot be written: there is no folder nowhere\n$/,
    ],
    ['--json', '', /^tally load: --json "" cannot be written: it needs the name of a file\n$/],
    ['--hdr', '', /^tally load: --hdr needs the start of a name\n$/],
  ])('a file of %s that is not to be had is known before the run', async (flag, file, what) => {
    const { exitCode, stdout, stderr } = await tally(['load', '--port', '1', flag, file]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(what);
  });

  test.each(['--help', '-h'])('%s is the help, whatever else there is', async flag => {
    expect(await tally(['load', '--port', 'nonsense', flag])).toMatchObject({
      exitCode: 0,
      stdout: LOAD_HELP,
      stderr: '',
    });
  });
});
