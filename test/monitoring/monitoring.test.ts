/**
 * Alerts and dashboard name what a server really exports, and leave nothing out. Prometheus's own tool reads both, and
 * tries the alerts.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { ClusterDetail } from '../../src/cluster/cluster.ts';
import { readSettings } from '../../src/config/read.ts';
import { prometheusText } from '../../src/http/prometheus.ts';
import { Log } from '../../src/log.ts';
import { assemble } from '../../src/server/assemble.ts';
import { ROOT } from '../../src/tools/harness/root.ts';
import { anchorsIn } from '../docs/links.ts';
import { startHttpServer } from '../support/http.ts';
import { bearer, Strangers } from '../support/strangers.ts';
import { type Exported, exportedIn, labelsIn, mistakesIn, unseenOf, usesIn } from './promql.ts';
import { rulesIn } from './rules-file.ts';

interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
  datasource: { type: string; uid: string };
}
interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: Record<'x' | 'y' | 'w' | 'h', number>;
  targets?: Target[];
}
interface Dashboard {
  title: string;
  uid: string;
  schemaVersion: number;
  templating: { list: { name: string; type: string; query: string | { query: string } }[] };
  panels: Panel[];
}

const COLUMNS = 24;
const FOLDER = join(ROOT, 'docs/monitoring');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const rules = rulesIn(read('tally.rules.yml'));
const cases = read('tally.rules.test.yml');
const dashboard = JSON.parse(read('tally-dashboard.json')) as Dashboard;
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const targets = panels.flatMap(({ title, targets: all = [] }) => all.map(target => ({ title, ...target })));

const CLUSTER: ClusterDetail = {
  ...{ up: 1, lags: [0, 3], sequences: [5, 6], blocks_under_way: 0, events_sent: 9, ack_ms: 7 },
  ...{ blocks_sent: 4, blocks_resent: 0, blocks_stored: 4, reconnects: 0, consumers_remade: 0 },
  ...{ snapshot_age_ms: -1, makes_snapshots: 0 },
  ack_times: [
    { ms: 1, count: 3 },
    { ms: Number.POSITIVE_INFINITY, count: 1 },
  ],
};

let text: string;
let exported: Exported;
let families: string[];
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-monitoring-'));
  const strangers = new Strangers(folder);
  // With all that adds metrics.
  const flags = ['--workers', '2', '--data', join(folder, 'data'), ...strangers.tokenFlags];
  const server = await startHttpServer(flags);
  text = (await server.get('/metrics', { headers: bearer(strangers.reader) })).body + (await ofOthers());
  await server.stop();
  rmSync(folder, { recursive: true });
  ({ exported, families } = exportedIn(text));
});

/** What a node of a cluster exports beside that, which has no journal, and a server with TLS. */
async function ofOthers(): Promise<string> {
  const settings = readSettings(['--workers', '1', '--ring', '8', '--users', '8'], {});
  const { sessions } = assemble(settings, new Log(settings, process.stdout));
  const snapshot = {
    ...{ state: 'serving' as const, connectionsMax: 1, rings: [], owners: [] },
    metrics: { ...sessions.metrics.snapshot(), cluster: CLUSTER },
    shards: { pushed: 0, sampled: 0, events: new Float64Array(), users: new Int32Array() },
    delay: { p50Ms: 0, p99Ms: 0, maxMs: 0, sumMs: 0, samples: 0 },
  };
  const ofHttp = { unauthorized: undefined, certificateUntilS: 2e9 };
  const families = prometheusText(snapshot, '0', ofHttp).split(/^(?=# HELP )/m);
  return families.filter(family => /^# HELP tally_(?:cluster|certificate)_/.test(family)).join('');
}

describe('the reader of expressions', () => {
  const of = (expression: string, ...texts: string[]) => mistakesIn(expression, texts, exported);

  test('finds the metrics, and no functions, words, numbers, texts and durations', () => {
    const { metrics, grouping } = usesIn(
      'max without (worker) (rate(a_total{x="b c",y=~"d|e"}[5m])) / on (job) group_left () c:d > 2e9 and sum by (z) (f)',
    );
    expect(metrics.map(({ metric }) => metric)).toEqual(['a_total', 'c:d', 'f']);
    expect(metrics[0]!.matchers.map(({ label, value }) => `${label} ${value}`)).toEqual(['x b c', 'y d|e']);
    expect(grouping).toEqual(['worker', 'job', 'z']);
    expect(labelsIn('{{reason}} {{ $labels.worker }} {{ $value | humanize }}')).toEqual(['reason', 'worker']);
  });

  test.each([
    ['tally_user > 1', 'tally_user is not exported'],
    ['rate(tally_events_dropped_total{why="x"}[5m])', 'tally_events_dropped_total has no label why'],
    ['tally_events_dropped_total{reason="busy"}', 'tally_events_dropped_total has no reason busy'],
    [
      'tally_events_dropped_total{reason=~"server_busy|busy"}',
      'tally_events_dropped_total has no reason busy',
    ],
    ['tally_event_loop_delay_seconds{quantile="0.9"}', 'tally_event_loop_delay_seconds has no quantile 0.9'],
    ['sum by (reason) (tally_users)', 'no metric of it has reason'],
    ['tally_event_loop_delay_seconds_bucket', 'tally_event_loop_delay_seconds_bucket is not exported'],
    ['1 + 1', 'names no metric: 1 + 1'],
  ])('%s: %s', (expression, mistake) => {
    expect(of(expression)).toEqual([mistake]);
  });

  test('knows what there is', () => {
    expect(of('tally_users{job="a"} / tally_users_max', '{{instance}}')).toEqual([]);
    expect(of('tally_ring_depth{worker="7"}', '{{worker}}')).toEqual([]);
    expect(of('tally_users', '{{worker}}')).toEqual(['no metric of it has worker']);
    expect(unseenOf(['a', 'b_seconds'], ['rate(b_seconds_sum[5m])'])).toEqual(['a']);
  });

  test('refuses a file of rules of another form', () => {
    for (const line of ['      - record: a', '        when: 5m', '          severity: x', '- alert: A'])
      expect(() => rulesIn(`groups:\n${line}\n`)).toThrow('line 2');
  });
});

test('alerts name only what is exported', () => {
  expect(rules.length).toBeGreaterThan(20);
  const mistakes = rules.flatMap(({ alert, expr, annotations }) =>
    mistakesIn(expr, Object.values(annotations), exported).map(mistake => `${alert}: ${mistake}`),
  );
  expect(mistakes).toEqual([]);
});

test('panels name only what is exported', () => {
  const mistakes = targets.flatMap(({ title, expr, legendFormat }) =>
    mistakesIn(expr, [legendFormat], exported).map(mistake => `${title}: ${mistake}`),
  );
  expect(mistakes).toEqual([]);
});

test('whatever is exported is in an alert or in a panel', () => {
  const expressions = [...rules, ...targets].map(({ expr }) => expr);
  expect(families.length).toBeGreaterThan(40);
  expect(unseenOf(families, expressions)).toEqual([]);
});

describe('every alert', () => {
  test('has a name of its own, how urgent it is, and what to do', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect(alert).toMatch(/^Tally[A-Z][A-Za-z]+$/);
      expect(Object.keys(labels), alert).toEqual(['severity']);
      expect(['critical', 'warning', 'info'], alert).toContain(labels.severity);
      expect(Object.keys(annotations), alert).toEqual(['summary', 'description', 'runbook']);
      if (alert !== 'TallyAbsent') expect(annotations.summary, alert).toContain('{{ $labels.instance }}');
      expect(annotations.description!.length, alert).toBeGreaterThan(80);
    }
  });

  test('leads to a section that is there', () => {
    const pages = ['docs/operations.md', 'docs/cluster.md', 'docs/security.md'];
    const anchors = pages.flatMap(page =>
      anchorsIn(readFileSync(join(ROOT, page), 'utf8')).map(anchor => `${page}#${anchor}`),
    );
    const runbooks = rules.map(({ annotations }) => annotations.runbook!);
    expect(runbooks.filter(runbook => !anchors.includes(runbook))).toEqual([]);
  });

  test('has a case in which it fires, and each case an alert', () => {
    const fired = new Set([...cases.matchAll(/'\{alertname="(\w+)"/g)].map(([, alert]) => alert));
    expect([...fired].sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });
});

describe('the dashboard', () => {
  test('is for any Prometheus, and for any server', () => {
    expect(dashboard).toMatchObject({ title: 'Tally', uid: 'tally', schemaVersion: expect.any(Number) });
    const variables = dashboard.templating.list;
    expect(variables.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['datasource datasource', 'job query', 'instance query'],
    ]);
    const known = ['__rate_interval', ...variables.map(({ name }) => name)];
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
    expect(used.filter(name => !known.includes(name) && name !== '__all')).toEqual([]);
    for (const { title, datasource, expr } of targets) {
      expect(datasource, title).toEqual({ type: 'prometheus', uid: '$' + '{datasource}' });
      for (const { metric, matchers } of usesIn(expr).metrics) {
        const own = matchers.filter(({ value }) => value.startsWith('$')).map(({ label }) => label);
        expect(own, `${title}: ${metric}`).toEqual(metric === 'ALERTS' ? ['instance'] : ['job', 'instance']);
      }
    }
  });

  test('has panels that say what they show, each in a place of its own', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { title, description, targets: all = [] } of panels) {
      expect(title).not.toBe('');
      expect(description, title).toMatch(/^[A-Z0-9].*\.$/);
      expect(all.length, title).toBeGreaterThan(0);
      expect(new Set(all.map(({ refId }) => refId)).size, title).toBe(all.length);
    }
    const places = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(COLUMNS);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(places.get(`${x} ${y}`), title).toBeUndefined();
          places.set(`${x} ${y}`, title);
        }
    }
  });
});

describe('promtool', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tally-promtool-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const isHere = spawnSync('promtool', ['--version']).status === 0;
  if (!isHere) console.warn('skipped: there is no promtool here to try the alerts with (package prometheus)');

  function promtool(context: TestContext, ...args: string[]): string {
    if (!isHere) context.skip();
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
    return `${status} ${stdout}${stderr}`;
  }
  function fileOf(name: string, contents: string): string {
    const path = join(folder, name);
    writeFileSync(path, contents);
    return path;
  }

  test('reads the rules, and finds as many', context => {
    expect(promtool(context, 'check', 'rules', 'tally.rules.yml')).toMatch(
      new RegExp(`^0 .*${rules.length} rules found`, 's'),
    );
    const broken = fileOf('broken.yml', read('tally.rules.yml').replace('humanize }}', 'humaniz }}'));
    expect(promtool(context, 'check', 'rules', broken)).toMatch(/^1 .*humaniz/s);
  });

  test('sees each alert fire, and no other', context => {
    expect(promtool(context, 'test', 'rules', 'tally.rules.test.yml')).toMatch(/^0 /);
    // The first case, of a server that is well, and the one of a shutdown: one alert comes too early, one never.
    const [head = '', well = '', ...others] = cases.split(/^(?= {2}- name: )/m);
    const two = [head, well, others.find(each => each.includes('TallyDraining'))].join('');
    for (const [was, is] of [
      ['tally_users_max > 0.9', 'tally_users_max > 0.89'],
      ['tally_draining == 1', 'tally_draining == 2'],
      ['tally_draining == 1', 'tally_draining == 1 '],
    ] as const) {
      fileOf('tally.rules.yml', read('tally.rules.yml').replace(was, is));
      const said = promtool(context, 'test', 'rules', fileOf('tally.rules.test.yml', two));
      expect(said.startsWith('0 '), is).toBe(was === is.trim());
    }
  });

  test('reads every query of the dashboard', context => {
    const check = (expressions: string[]) => {
      const all = expressions.map((expr, index) => ({ record: `panel:query:${index}`, expr }));
      // JSON is YAML.
      const file = JSON.stringify({ groups: [{ name: 'panels', rules: all }] });
      return promtool(context, 'check', 'rules', fileOf('panels.yml', file));
    };
    const queries = targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m'));
    expect(check(queries)).toMatch(new RegExp(`^0 .*${queries.length} rules found`, 's'));
    expect(check([...queries, 'rate(tally_users)'])).toMatch(/^1 .*rate/s);
  });

  test('reads what the documents say of its configuration', context => {
    const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
    const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
    const configurations = blocks.filter(block => /^(?:scrape_configs|rule_files):/m.test(block));
    expect(configurations.length).toBeGreaterThan(1);
    const check = (text: string) =>
      promtool(context, 'check', 'config', '--syntax-only', fileOf('prometheus.yml', text));
    for (const configuration of configurations) expect(check(configuration), configuration).toMatch(/^0 /);
    expect(check('scrape_configs:\n  - job_nam: tally\n')).toMatch(/^1 .*job_nam/s);
  });

  test('has nothing to say against what the server exports', context => {
    if (!isHere) context.skip();
    const lint = (input: string) => {
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input,
        encoding: 'utf8',
      });
      return `${status} ${stdout}${stderr}`;
    };
    expect(lint(text)).toBe('0 ');
    expect(lint(text.replaceAll('tally_users_max', 'tally_usersMax'))).toMatch(/^3 .*usersMax/);
  });
});
