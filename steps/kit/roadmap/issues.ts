/** The tasks as a shell script that makes an issue of each, with GitHub's `gh`. It is printed, and run by the reader. */

import { joined } from '../../../src/cli/terminal/prose.ts';
import { quoteForShell } from '../../../src/cli/terminal/quoting.ts';

export interface Issue {
  title: string;
  body: string;
}

/** In order, so that their numbers rise; it stops at the first that fails. */
export function issuesScript(
  issues: readonly Issue[],
  { repo, label }: { repo?: string | undefined; label?: string | undefined },
): string {
  const where = repo === undefined ? '' : ` --repo ${quoteForShell(repo)}`;
  const lines = [
    '#!/bin/sh',
    `# ${issues.length} issues. Read it, then let a shell run it: each run makes all of them anew.`,
    'set -eu',
  ];
  if (label !== undefined)
    lines.push(
      '# It fails where there is such a label already, which is as good.',
      `gh label create ${quoteForShell(label)}${where} --description 'The path of Tally' 2>/dev/null || true`,
    );
  for (const { title, body } of issues) {
    const text = joined(body).trimEnd();
    const end = delimiterFor(text);
    const flags = label === undefined ? where : `${where} --label ${quoteForShell(label)}`;
    lines.push(
      '',
      `gh issue create${flags} --title ${quoteForShell(title)} --body-file - <<'${end}'`,
      text,
      end,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A line that is not in the text, and so ends it. */
function delimiterFor(text: string): string {
  const lines = new Set(text.split('\n'));
  let end = 'END_OF_TASK';
  while (lines.has(end)) end += '_';
  return end;
}
