/**
 * Loaded by every test file of a coverage run: keeps what V8 counted in this process, together with the text of the
 * scripts that it ran, which is no file. (Processes and threads that the tests start leave their counts themselves.)
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ScriptCounts } from './counts.ts';

const folder = process.env.NODE_V8_COVERAGE!;
const session = new Session();
session.connect();

/** Answers come before `post` returns: the session is one with this thread. */
function ask<Answer>(method: string, params: object = {}): Answer {
  let answer: Answer | undefined;
  session.post(method, params, (error, result) => {
    if (error !== null) throw error;
    answer = result as Answer;
  });
  return answer!;
}

ask('Profiler.enable');
ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

afterAll(() => {
  const { result } = ask<{ result: ScriptCounts[] }>('Profiler.takePreciseCoverage');
  ask('Debugger.enable');
  const scripts = result
    .filter(({ url }) => /\/src\/[^?]*\.ts$/.test(url) && !url.includes('/node_modules/'))
    .map(script => ({
      ...script,
      source: ask<{ scriptSource: string }>('Debugger.getScriptSource', { scriptId: script.scriptId })
        .scriptSource,
    }));
  ask('Debugger.disable');
  writeFileSync(join(folder, `in-process-${randomUUID()}.json`), JSON.stringify({ result: scripts }));
});
