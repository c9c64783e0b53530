/**
 * `npm run graphs`: measures what the graphs of the documents show, checks the shape of the result, and writes data
 * and picture side by side. Nothing is written before its check has passed.
 *
 * Servers that a graph started are killed in a listener of the process's `exit` event, as in the benches.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { printHelp } from '../../src/cli/terminal/help.ts';
import { duration } from '../../src/cli/terminal/numbers.ts';
import { UsageError } from '../../src/cli/terminal/usage.ts';
import { runProgram } from '../ending.ts';
import type { Graph, GraphData } from './graph.ts';
import { GRAPHS } from './graphs.ts';

/** The compiled file is one folder deeper. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../..', import.meta.url));
const FOLDER = join(ROOT, 'docs', 'graphs');
const OPTIONS = {
  help: { type: 'boolean', short: 'h', default: false },
  list: { type: 'boolean', default: false },
  redraw: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  folder: { type: 'string', default: FOLDER },
} as const;

const HELP = `npm run graphs -- [flags] [NAME…]: run and draw graphs, all of them if none is named (about 8 minutes).

  npm run graphs                    everything anew, into docs/graphs
  npm run graphs -- health sums     these two
  npm run graphs -- --redraw        run nothing: draw from the data that lie beside the pictures
  npm run graphs -- --check         run and draw nothing: do the data show what they should?

  --list         what each graph must look like
  --folder DIR   where data and pictures are read and written
  -h, --help     this text

${GRAPHS.map(({ name, about }) => `  ${name.padEnd(22)} ${about}\n`).join('')}
A graph whose run does not show what it is there to show is not written, and the command fails.

Exit codes: 0 done, 1 a run failed or does not have the shape it must have, 2 wrong usage.
`;

async function main(args: string[]): Promise<void> {
  const { values, names } = parse(args);
  if (values.help) return void printHelp(HELP);
  const wanted = GRAPHS.filter(({ name }) => names.length === 0 || names.includes(name));
  if (values.list) return void process.stdout.write(listOf(wanted));
  const startMs = performance.now();
  const failed: string[] = [];
  for (const graph of wanted) {
    // A failure is reported at once, and again at the end; the other graphs are still made.
    try {
      await make(graph, values);
    } catch (error) {
      const message = `${graph.name}: ${(error as Error).message}`;
      failed.push(message);
      process.stderr.write(`${message}\n`);
    }
  }
  process.stdout.write(
    `${wanted.length - failed.length} of ${wanted.length} graphs, in ${duration(performance.now() - startMs)}\n`,
  );
  if (failed.length > 0) throw new Error(failed.join('; '));
}

type Flags = ReturnType<typeof parse>['values'];

async function make(graph: Graph<GraphData>, { redraw, check, folder }: Flags): Promise<void> {
  const [dataPath, picturePath] = [join(folder, `${graph.name}.json`), join(folder, `${graph.name}.svg`)];
  const isRun = !redraw && !check;
  const data = isRun ? await run(graph) : read(dataPath, graph);
  if (check) return void process.stdout.write(`${graph.name}: as it should be\n`);
  mkdirSync(folder, { recursive: true });
  if (isRun) write(dataPath, jsonOf(data));
  write(picturePath, await graph.draw(data));
}

/** Runs again after a failure, which other work on the machine may have caused; a real one happens twice. */
async function run(graph: Graph<GraphData>): Promise<GraphData> {
  const say = (line: string) => process.stderr.write(`${graph.name}: ${line}\n`);
  const data = await graph.run(say);
  try {
    graph.check(data);
    return data;
  } catch (error) {
    say(`${(error as Error).message}; once more`);
    const again = await graph.run(say);
    graph.check(again);
    return again;
  }
}

function read(path: string, graph: Graph<GraphData>): GraphData {
  const data = parsed(path, graph.name);
  graph.check(data);
  return data;
}

function parsed(path: string, name: string): GraphData {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as GraphData;
  } catch (error) {
    throw new Error(`no data: ${(error as Error).message}; npm run graphs -- ${name} makes some`);
  }
}

function write(path: string, text: string): void {
  writeFileSync(path, text);
  process.stdout.write(`${relative('', path)}\n`);
}

/** One line for each point or cell, so that data can be read and compared with those of another run. */
function jsonOf(data: GraphData): string {
  const json = JSON.stringify(data, undefined, 2);
  return `${json.replace(/\{\n\s+("(?:x|percentile|pain)": [^{}]*?)\n\s+\}/g, (_, inner: string) => `{ ${inner.replace(/\n\s+/g, ' ')} }`)}\n`;
}

function listOf(graphs: Graph<GraphData>[]): string {
  return graphs
    .map(({ name, about, shape }) => `${name}: ${about}\n${shape.map(each => `  ${each}\n`).join('')}`)
    .join('\n');
}

function parse(args: string[]) {
  try {
    const { values, positionals: names } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
    const known = GRAPHS.map(({ name }) => name);
    const unknown = names.find(name => !known.includes(name));
    if (unknown !== undefined)
      throw new UsageError(`unknown graph: ${unknown}; there are ${known.join(', ')}`);
    if (values.redraw && values.check) throw new UsageError('--redraw or --check, not both');
    return { values, names };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // The message of parseArgs, without its advice on names that start with a dash.
    throw new UsageError((error as Error).message.split('. ')[0]);
  }
}

await runProgram('graphs', main);
