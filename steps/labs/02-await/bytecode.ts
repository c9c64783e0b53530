/** What V8 compiles a function to, said by V8 itself, in a process of its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The operations with which the function waits and goes on, in their order, each behind its place in the code. */
export async function waitingOperations(source: string): Promise<string[]> {
  const [, name = ''] = /function\*? (\w+)/.exec(source) ?? [];
  // It is compiled when it is called.
  const script = `const nap = ms => ms;\n${source}\n${name}(1);`;
  const args = ['--print-bytecode', `--print-bytecode-filter=${name}`, '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return operationsIn(stdout);
}

/** From lines like `34 E> 0x34febbb8 @   34 : af fa fa 02 00    SuspendGenerator r0, r0-r1, [0]`. */
export function operationsIn(printed: string): string[] {
  const waiting =
    /@ +(\d+) : (?:[\da-f]{2} )+ *(?:(SwitchOnGeneratorState) .*(\{.*\})|InvokeIntrinsic \[_(Async\w+?)(?:Unc|C)?(?:aught)?\]|(SuspendGenerator) .*\[(\d+)\]|(ResumeGenerator))/g;
  return [...printed.matchAll(waiting)].map(([, place, ...parts]) =>
    [place!.padStart(4), ...parts.filter(part => part !== undefined)].join(' '),
  );
}
