/**
 * The cost of the load generator: one of its threads compared with a minimal client in C, in turn, on the same server
 * with a fixed reply. If the generator keeps up, its figures are the server's.
 * It notes every event's time and verdict meanwhile; the client in C only compares bytes. Processor time is the
 * clients' here, not the server's.
 */
import { DEFAULT_WORK } from '../../src/tools/load/plan.ts';
import type { Bench, Measure, Size } from '../bench.ts';
import { alternate, type Trial } from '../rounds.ts';
import { measureInC, withClientInC } from './client-in-c.ts';
import { FLOOR } from './subjects.ts';
import { checkLoad, depthsOf, figuresOf, measure, planOf, ROUNDS } from './trial.ts';

const GENERATOR = 'load generator, 1 thread';

export const bench: Bench = {
  name: 'client',
  about: 'The load generator beside a client in C, on a server with a fixed reply, by depth',
  run: (size, say) =>
    withClientInC(say, async program => (program === undefined ? [] : compare(program, size, say))),
};

/** The server is not measured, so both clients use the same one, equally warm. */
async function compare(program: string, size: Size, say: (line: string) => void): Promise<Measure[]> {
  const server = await FLOOR.start();
  const ofNoServer = () => undefined;
  try {
    const measures: Measure[] = [];
    for (const depth of depthsOf(size)) {
      say(`depth ${depth}`);
      const condition = `depth ${depth}`;
      const load = { subject: FLOOR.name, mix: DEFAULT_WORK.mix, depth, noun: 'event' as const };
      const plan = planOf(server.port, FLOOR, load, size);
      const inC = async () => {
        const { result, clientCpuS } = await measureInC(program, plan, FLOOR, ofNoServer);
        return figuresOf({ result, cpuS: clientCpuS }, 'event');
      };
      const inGenerator = async () => {
        const { result, clientCpuS } = await measure(plan, ofNoServer);
        checkLoad(result, FLOOR);
        return figuresOf({ result, cpuS: clientCpuS }, 'event');
      };
      const trials: Trial[] = [
        { subject: 'client in C', condition, run: inC },
        { subject: GENERATOR, condition, run: inGenerator },
      ];
      measures.push(...(await alternate(ROUNDS[size], trials, say)));
    }
    return measures;
  } finally {
    await server.stop();
  }
}
