/** The tasks as a shell script that creates an issue for each with GitHub's `gh`. It is printed; the reader runs it. */

import { joined } from '../../../src/cli/terminal/prose.ts';
import { quoteForShell } from '../../../src/cli/terminal/quoting.ts';

export interface Issue {
  title: string;
  body: string;
}

/** In order, so that the issue numbers rise; the script stops at the first failure. */
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

/** A line that does not occur in the text, to delimit it. */
function delimiterFor(text: string): string {
  const lines = new Set(text.split('\n'));
  let end = 'END_OF_TASK';
  while (lines.has(end)) end += '_';
  return end;
}
