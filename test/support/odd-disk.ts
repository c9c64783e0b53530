/**
 * A disk that fails or is slow, under the real server: code that Node loads first in each of its threads wraps the calls
 * that the journal makes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface OddDisk {
  /** Writes of workers fail with EIO as long as this file exists. */
  failsWritesIf?: string;
  /** A sync of the archivist fails with EIO, once, when this file exists; later ones would not. */
  failsSyncOnceIf?: string;
  /** Each write of a worker takes so much longer before it begins, and when it is done. */
  beforeMs?: number;
  afterMs?: number;
}

/** Writes the code into a folder. Returns the environment with which a server is to be started. */
export function oddDisk(folder: string, odd: OddDisk): Record<string, string> {
  const path = join(folder, 'odd-disk.cjs');
  writeFileSync(
    path,
    `const fs = require('node:fs');
const { workerData } = require('node:worker_threads');
const odd = ${JSON.stringify(odd)};
const word = new Int32Array(new SharedArrayBuffer(4));
const wait = ms => ms > 0 && Atomics.wait(word, 0, 0, ms);
const fail = syscall => {
  throw Object.assign(new Error('EIO: i/o error, ' + syscall), { code: 'EIO', errno: -5, syscall });
};
const { writevSync, fdatasyncSync } = fs;
if (workerData?.journal !== undefined)
  fs.writevSync = (...args) => {
    if (odd.failsWritesIf && fs.existsSync(odd.failsWritesIf)) fail('write');
    wait(odd.beforeMs);
    const written = writevSync(...args);
    wait(odd.afterMs);
    return written;
  };
let hasFailed = workerData?.ringSlots === undefined;
fs.fdatasyncSync = (...args) => {
  if (!hasFailed && odd.failsSyncOnceIf && fs.existsSync(odd.failsSyncOnceIf)) {
    hasFailed = true;
    fail('fdatasync');
  }
  return fdatasyncSync(...args);
};
require('node:module').syncBuiltinESMExports();
`,
  );
  return { NODE_OPTIONS: `--require ${path}` };
}
