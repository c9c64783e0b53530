/**
 * What a dry run refuses: Node's functions that do something outside the process. A test file puts them in the place
 * of Node's, before anything is loaded:
 *
 *     vi.mock('node:net', async original => ({ ...(await original<object>()), ...(await import('./refusals.ts')).net }));
 */
let refused = 0;

export function refusedSoFar(): number {
  return refused;
}

function refuse(): never {
  refused += 1;
  throw new Error('refused: this is a dry run');
}

const refusing = (names: string[]) => Object.fromEntries(names.map(name => [name, refuse]));

export const child_process = refusing([
  'spawn',
  'spawnSync',
  'exec',
  'execSync',
  'execFile',
  'execFileSync',
  'fork',
]);
export const net = refusing(['connect', 'createConnection', 'createServer']);
export const http = refusing(['get', 'request', 'createServer']);
export const readline = refusing(['createInterface']);
/** A class, since it is called with `new`. */
export const worker_threads = {
  Worker: class {
    constructor() {
      refuse();
    }
  },
};
export const fs = refusing([
  'writeFileSync',
  'appendFileSync',
  'mkdirSync',
  'mkdtempSync',
  'rmSync',
  'unlinkSync',
  'renameSync',
  'copyFileSync',
  'cpSync',
  'watch',
  'createWriteStream',
]);
