/**
 * `npm run pictures`: runs what the pictures of the documents show, checks that it shows it, and writes data and
 * picture side by side into docs/graphs. Nothing is written before its check has passed.
 *
 * Servers that a picture started are killed in a listener of the process's `exit` event, as in the benches.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runProgram } from '../ending.ts';
import { UsageError } from '../load/quantities.ts';
import { picture as coordinatedOmission } from './coordinated-omission.ts';
import { drawLines } from './draw.ts';
import type { Picture, PictureData } from './picture.ts';

/** Compiled, this file lies one folder deeper. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../..', import.meta.url));
const FOLDER = join(ROOT, 'docs', 'graphs');

const PICTURES = [coordinatedOmission] as const;

const HELP = `npm run pictures -- [flags] [NAME…]: run and draw pictures, all of them if none is named.

  --redraw    run nothing: draw from the data that lie beside the pictures
  -h, --help  this text

${PICTURES.map(({ name, about }) => `  ${name}: ${about}\n`).join('')}
Exit codes: 0 done, 1 a run failed or did not show what the picture is there to show, 2 wrong usage.
`;

async function main(args: string[]): Promise<void> {
  const { values, names } = parse(args);
  if (values.help) return void process.stdout.write(HELP);
  for (const picture of PICTURES)
    if (names.length === 0 || names.includes(picture.name)) await make(picture, values.redraw);
}

async function make<Data extends PictureData>(picture: Picture<Data>, isRedraw: boolean): Promise<void> {
  const { name } = picture;
  const [dataPath, picturePath] = [join(FOLDER, `${name}.json`), join(FOLDER, `${name}.svg`)];
  const data = isRedraw
    ? (JSON.parse(readFileSync(dataPath, 'utf8')) as Data)
    : await picture.run(line => process.stderr.write(`${name}: ${line}\n`));
  picture.check(data);
  const svg = await drawLines(picture.chart(data));
  mkdirSync(FOLDER, { recursive: true });
  if (!isRedraw) write(dataPath, jsonOf(data));
  write(picturePath, svg);
}

function write(path: string, text: string): void {
  writeFileSync(path, text);
  process.stdout.write(`${relative('', path)}\n`);
}

/** A line for each point: two curves side by side can be read, and compared with those of another run. */
function jsonOf(data: PictureData): string {
  const json = JSON.stringify(data, undefined, 2);
  return `${json.replace(/\{\n\s+("percentile": .*)\n\s+(.*)\n\s+\}/g, '{ $1 $2 }')}\n`;
}

function parse(args: string[]) {
  try {
    const { values, positionals: names } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        redraw: { type: 'boolean', default: false },
      },
    });
    const known = PICTURES.map(({ name }) => name);
    const unknown = names.find(name => !known.includes(name));
    if (unknown !== undefined) throw new UsageError(`${unknown} is no picture; there is ${known.join(', ')}`);
    return { values, names };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // What parseArgs says, without its advice on how to write a name that starts with a dash.
    throw new UsageError((error as Error).message.split('. ')[0]);
  }
}

await runProgram('pictures', main);
