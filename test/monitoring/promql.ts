/** What an expression of PromQL names: metrics, labels and their values. Whether it is one is for promtool to say. */

/** The metrics that a server exports: by name the labels, and by label the values. */
export type Exported = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

export interface Use {
  metric: string;
  /** `reason=~"http|idle"` */
  matchers: { label: string; operator: string; value: string }[];
}

export interface Uses {
  metrics: Use[];
  /** Labels that something is grouped or joined by. */
  grouping: string[];
}

const WORDS = ['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan'];
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
/** A name that is no function, no part of a number and no part of a text, with the braces behind it. */
const SELECTOR = /(?<![\w.$"])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])(?:\s*\{([^}]*)\})?/g;
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g;
/** These, Prometheus adds itself. */
const FOREIGN_LABELS = ['job', 'instance'];
/** They have as many values as a server has workers or partitions, or as a disk has ways to be slow. */
const OPEN_LABELS = [...FOREIGN_LABELS, 'worker', 'partition', 'le', 'version', 'node'];
/** Not exported by the server, but by Prometheus. */
const FOREIGN: Exported = new Map([
  ['up', new Map()],
  ['ALERTS', new Map([['alertname', new Set()]])],
]);

export function usesIn(expression: string): Uses {
  const grouping = [...expression.matchAll(GROUPING)].flatMap(([, labels = '']) =>
    labels.split(',').flatMap(label => label.trim() || []),
  );
  const metrics = [
    ...expression
      .replace(GROUPING, ' ')
      .replace(/\[[^\]]*\]/g, ' ')
      .matchAll(SELECTOR),
  ]
    .filter(([, name = '']) => !WORDS.includes(name.toLowerCase()))
    .map(([, metric = '', braces = '']) => ({
      metric,
      matchers: [...braces.matchAll(MATCHER)].map(([, label = '', operator = '', value = '']) => ({
        label,
        operator,
        value,
      })),
    }));
  return { metrics, grouping };
}

/** The labels that are mentioned in a text: `{{reason}}` in a legend, `{{ $labels.reason }}` in a template. */
export function labelsIn(text: string): string[] {
  return [...text.matchAll(/\{\{\s*(?:\$labels\.)?([a-z]\w*)\s*(?=\}\})/g)].map(([, label = '']) => label);
}

/** What of an expression, and of the texts beside it, is not exported. */
export function mistakesIn(expression: string, texts: readonly string[], exported: Exported): string[] {
  const { metrics, grouping } = usesIn(expression);
  if (metrics.length === 0) return [`names no metric: ${expression}`];
  const known = new Set(FOREIGN_LABELS);
  const mistakes = metrics.flatMap(({ metric, matchers }) => {
    const labels = exported.get(metric) ?? FOREIGN.get(metric);
    if (labels === undefined) return [`${metric} is not exported`];
    for (const label of labels.keys()) known.add(label);
    return matchers.flatMap(({ label, operator, value }) => {
      if (FOREIGN_LABELS.includes(label)) return [];
      const values = labels.get(label);
      if (values === undefined) return [`${metric} has no label ${label}`];
      if (OPEN_LABELS.includes(label) || values.size === 0) return [];
      const wanted = operator.includes('~') ? value.split('|') : [value];
      return wanted.filter(each => !values.has(each)).map(each => `${metric} has no ${label} ${each}`);
    });
  });
  const named = [...grouping, ...texts.flatMap(labelsIn)];
  return [
    ...mistakes,
    ...named.filter(label => !known.has(label)).map(label => `no metric of it has ${label}`),
  ];
}

/** Of the text that a server answers to /metrics. `families` are its metrics without what a summary adds. */
export function exportedIn(text: string): { exported: Exported; families: string[] } {
  const exported = new Map<string, Map<string, Set<string>>>();
  for (const [, name = '', braces = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const labels = exported.get(name) ?? new Map<string, Set<string>>();
    exported.set(name, labels);
    for (const [, label = '', , value = ''] of braces.matchAll(MATCHER))
      labels.set(label, (labels.get(label) ?? new Set()).add(value));
  }
  return { exported, families: [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name) };
}

/** Those of `families` that none of the expressions names. */
export function unseenOf(families: readonly string[], expressions: readonly string[]): string[] {
  const named = new Set(expressions.flatMap(each => usesIn(each).metrics.map(({ metric }) => metric)));
  const isNamed = (family: string) =>
    ['', '_bucket', '_sum', '_count'].some(suffix => named.has(family + suffix));
  return families.filter(family => !isNamed(family));
}
