/**
 * A Dockerfile, and what Docker would do with it, as far as this one goes: stages, and in each its instructions.
 * container.ts does them where there is no engine.
 */

export interface Instruction {
  /** `COPY` */
  name: string;
  /** `--from=build` is `from`. */
  flags: Record<string, string>;
  /** What stands behind it, on one line. */
  rest: string;
}

export interface Stage {
  image: string;
  name: string | undefined;
  instructions: Instruction[];
}

export function readDockerfile(text: string): Stage[] {
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ');
  const stages: Stage[] = [];
  for (const line of lines.split('\n').filter(Boolean)) {
    const [, name = '', flagged = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === '') throw new Error(`this is no instruction: ${line}`);
    const flags: Record<string, string> = {};
    const rest = flagged.replace(/--([\w-]+)=(\S+)\s+/g, (whole, flag: string, value: string, at: number) => {
      // Behind the first word that is no flag, there are none.
      if (!/^(?:--\S+\s+)*$/.test(flagged.slice(0, at))) return whole;
      flags[flag] = value;
      return '';
    });
    if (name === 'FROM') {
      const [image = '', , stage] = rest.split(/\s+/);
      stages.push({ image, name: stage, instructions: [] });
    } else stages.at(-1)!.instructions.push({ name, flags, rest });
  }
  return stages;
}

/** The last instruction of a name counts. */
export function lastOf(stage: Stage, name: string): string {
  const found = stage.instructions.filter(instruction => instruction.name === name).at(-1);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found.rest;
}

/** The exec form: a list of words in JSON. A shell would not pass signals on. */
export function wordsOf(rest: string): string[] {
  return JSON.parse(rest.replace(/^CMD\s+/, '')) as string[];
}

/** What a `.dockerignore` of this form leaves: `*`, then `!name` for each file or folder that is wanted. */
export function wantedIn(ignore: string): string[] {
  const [all, ...wanted] = ignore.trim().split('\n');
  if (all !== '*' || wanted.some(line => !/^![\w.-]+$/.test(line)))
    throw new Error('.dockerignore is a * and then names of what is wanted: !src');
  return wanted.map(line => line.slice(1));
}
