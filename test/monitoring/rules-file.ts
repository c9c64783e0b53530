/** Reads a file of rules for Prometheus, in the one form that ours has; a line of another form is an error. */

export interface AlertRule {
  alert: string;
  expr: string;
  for: string | undefined;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const HEAD = ['groups:', '  - name: tally', '    rules:'];

export function rulesIn(text: string): AlertRule[] {
  const rules: AlertRule[] = [];
  let section: 'labels' | 'annotations' | undefined;
  /** The key of a text over several lines. */
  let folded: string | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^ *(?:#.*)?$/.test(line) || HEAD.includes(line)) continue;
    const wrong = new Error(`line ${index + 1} is of no form that is read here: ${line}`);
    const [, indent = '', dash = '', rest = ''] = /^( *)(- )?(.*)$/.exec(line)!;
    if (indent.length === 12 && folded !== undefined) {
      const { annotations } = rules.at(-1)!;
      annotations[folded] = `${annotations[folded]} ${rest}`.trim();
      continue;
    }
    folded = undefined;
    const [, key = '', value = ''] = /^(\w+):(?: (.*))?$/.exec(rest) ?? [];
    const plain = value.replace(/^'(.*)'$/, '$1');
    const rule = rules.at(-1);
    if (indent.length === 6 && dash !== '' && key === 'alert') {
      rules.push({ alert: plain, expr: '', for: undefined, labels: {}, annotations: {} });
      section = undefined;
    } else if (rule === undefined || key === '' || dash !== '') throw wrong;
    else if (indent.length === 8 && value === '' && (key === 'labels' || key === 'annotations'))
      section = key;
    else if (indent.length === 8 && (key === 'expr' || key === 'for')) rule[key] = plain;
    else if (indent.length === 10 && section !== undefined) {
      if (value === '>-') folded = key;
      rule[section][key] = value === '>-' ? '' : plain;
    } else throw wrong;
  }
  return rules;
}
