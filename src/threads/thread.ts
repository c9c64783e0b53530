/**
 * Starts a thread from one of our files, in each way that the program can be run: compiled, from source on a Node
 * that strips types, or from source through tsx, whose loader a thread does not inherit.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** `module` is the file without its extension. */
export function createThread(module: URL, options: WorkerOptions): Worker {
  const isSource = import.meta.url.endsWith('.ts');
  const file = new URL(`${module.href}${isSource ? '.ts' : '.js'}`);
  const stripsTypes = 'typescript' in process.features && process.features.typescript !== false;
  if (!isSource || stripsTypes) return new Worker(file, options);
  const loader = import.meta.resolve('tsx/esm/api');
  const [first, then] = [loader, file.href].map(each => JSON.stringify(each));
  const start = `import(${first}).then(tsx => { tsx.register(); return import(${then}); })`;
  return new Worker(start, { ...options, eval: true });
}
