/** One pain on one server, of a step or of a lesson: runs its witness, shows what happens, and gives the verdict. */
import { painterFor } from '../../src/cli/terminal/colours.ts';
import { Exit } from '../../src/cli/terminal/command.ts';
import { printForMachines } from '../../src/cli/terminal/output.ts';
import { foldedFor } from '../../src/cli/terminal/prose.ts';
import type { Aside } from './asides.ts';
import { evidenceTable } from './evidence.ts';
import type { Expected } from './manifest.ts';
import { compared, comparison, predicted } from './predict.ts';
import type { Question, Whether } from './predictions.ts';
import { remember } from './progress.ts';
import { type Finding, type Say, whyNot } from './witnesses/witness.ts';

export interface Trial {
  /** The number of the pain. */
  pain: number;
  painName: string;
  /** The server, as people read it. */
  title: string;
  /** The same for programs. */
  step: number | string;
  expected: Expected;
  /** Where it stands what is expected; undefined for a server of the reader's own. */
  expectedBy: string | undefined;
  question: Question;
  /** What is asked first of a server of which it is not known. */
  whether: Whether | undefined;
  run(say: Say): Promise<Finding>;
  /** What is measured beside it. */
  aside?: Aside | undefined;
  /** The last words, with what to do next. */
  closing(isPresent: boolean): string;
}

const paint = painterFor(process.stdout, process.env);

/** The exit code: whether it was as expected. Throws what the witness throws where it can't be told. */
export async function tryOut(trial: Trial, isJson: boolean, isPredicted: boolean): Promise<number> {
  const { pain, step, expected, question, whether, aside } = trial;
  if (!isJson) print(`${paint('bold', `Pain ${pain}: ${trial.painName}`)}, in ${trial.title}\n\n`);
  const prediction = isPredicted
    ? await predicted(question, whether, isJson ? process.stderr : process.stdout)
    : undefined;
  const startMs = performance.now();
  const say = isJson
    ? () => {}
    : (text: string) => print(`  ${paint('dim', seconds(performance.now() - startMs))}  ${text}\n`);
  const finding = await trial.run(say).catch(error => {
    const row = { pain, step, expected, observed: 'undecided', evidence: { error: whyNot(error) } };
    if (isJson) print(`${JSON.stringify(row)}\n`);
    throw error;
  });
  const observed = finding.isPresent ? 'present' : 'absent';
  const { evidence } = finding;
  if (isJson) {
    const predictions = prediction && { predictions: compared(prediction, finding) };
    printForMachines(`${JSON.stringify({ pain, step, expected, observed, evidence, ...predictions })}\n`);
  } else {
    print(`\n${verdict(finding, observed === expected, trial.expectedBy)}\n${evidenceTable(evidence)}\n`);
    if (prediction !== undefined) print(`${comparison(prediction, finding)}\n`);
    if (aside !== undefined) {
      print(`  ${aside.title}\n\n`);
      await aside.run(say);
      print('\n');
    }
    print(trial.closing(finding.isPresent));
  }
  if (finding.isPresent) remember(pain, 'felt');
  return observed === expected ? Exit.ok : Exit.failed;
}

function verdict(
  { isPresent, sentence }: Finding,
  isExpected: boolean,
  expectedBy: string | undefined,
): string {
  const [head, colour] = isPresent ? ['It hurts.', 'red' as const] : ['No pain.', 'green' as const];
  const warning =
    isExpected || expectedBy === undefined ? '' : ` (That is not as it should be: see ${expectedBy}.)`;
  return `  ${paint(colour, head)} ${sentence}${warning}\n`;
}

/** For a server of the reader's own, which no server of this repository mends. */
export function hintsIn(task: number | string): string {
  return `Hints: npx tally roadmap ${task}; then the same command again`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(5)} s`;
}

export function print(text: string): void {
  process.stdout.write(foldedFor(process.stdout, text));
}
