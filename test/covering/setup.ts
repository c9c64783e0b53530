/**
 * Loaded by every test file of a coverage run: keeps what V8 counted in this process, with the texts that Vite made of
 * the sources, which are no files. (Processes and threads that the tests start leave their counts themselves.)
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Script } from './counts.ts';

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

afterAll(async () => {
  const taken = await session.post('Profiler.takePreciseCoverage');
  const scripts: Profiler.ScriptCoverage[] = taken.result.filter(({ url }) =>
    /\/dist\/src\/[^?]*\.js$/.test(url),
  );
  await session.post('Debugger.enable');
  const result: Script[] = [];
  for (const { scriptId, ...script } of scripts) {
    const { scriptSource } = await session.post('Debugger.getScriptSource', { scriptId });
    result.push({ ...script, text: scriptSource });
  }
  const file = join(process.env.NODE_V8_COVERAGE!, `in-process-${randomUUID()}.json`);
  writeFileSync(file, JSON.stringify({ result }));
});
