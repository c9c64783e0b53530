/** Pain 10, a silent client holds the exit hostage: does the server end if a client never closes its connection? */
import { count } from '../../../src/cli/terminal/numbers.ts';
import { within } from '../../../src/tools/harness/waiting.ts';
import { Undecided, type Witness, withServer } from './witness.ts';

/** The time that container engines wait before they kill. */
const LIMIT_MS = 10_000;
/** The time that a server gets to end when its last client has hung up. */
const ALONE_MS = 5_000;

export const silentClient: Witness = {
  pain: 10,
  mustStart: true,
  run: (source, say) =>
    withServer(source, {}, async scene => {
      const { server } = scene;
      const client = await scene.open();
      await client.ask('{"type":"health"}\n');
      say('a client is connected, and says nothing more, nor will it ever hang up');
      const startMs = performance.now();
      server.signal('SIGINT');
      say('Ctrl+C');
      const hasEnded = (await within(LIMIT_MS, server.ended)) !== undefined;
      const elapsedMs = Math.round(performance.now() - startMs);
      const elapsed = `${count(elapsedMs)} ms`;
      say(hasEnded ? `the server has ended after ${elapsed}` : `${elapsed} later it still runs`);
      client.close();
      if (!hasEnded && (await within(ALONE_MS, server.ended)) === undefined)
        throw new Undecided('it does not end when that client has hung up either');
      return {
        isPresent: !hasEnded,
        evidence: { hasEnded, elapsedMs },
        sentence: hasEnded
          ? `The server ended ${elapsed} after Ctrl+C, though one client had not hung up.`
          : `${elapsed} after Ctrl+C the server still runs, because one client has not hung up.`,
      };
    }),
};
