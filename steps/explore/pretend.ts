/** What modules that are loaded from now on, or look again, find in `node:worker_threads`. */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const threads = createRequire(import.meta.url)('node:worker_threads') as Record<string, unknown>;

export function pretend(exports: { workerData: unknown; parentPort: unknown }): void {
  Object.assign(threads, exports);
  syncBuiltinESMExports();
}
