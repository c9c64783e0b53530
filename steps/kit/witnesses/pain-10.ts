/** Pain 10, a silent client holds the exit hostage: does the server end if a client never closes its connection? */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../src/tools/harness/client.ts';
import { type Witness, withServer } from './witness.ts';

/** The time that container engines wait before they kill. */
const LIMIT_MS = 10_000;

export const silentClient: Witness = {
  pain: 10,
  mustStart: true,
  run: (source, say) =>
    withServer(source, {}, async server => {
      const client = await Client.open(server.port, server.host);
      await client.ask('{"type":"health"}\n');
      say('a client is connected, and says nothing more, nor will it ever hang up');
      const startMs = performance.now();
      server.signal('SIGINT');
      say('Ctrl+C');
      const timer = new AbortController();
      await Promise.race([
        server.ended,
        sleep(LIMIT_MS, undefined, { signal: timer.signal }).catch(() => {}),
      ]);
      timer.abort();
      const elapsedMs = Math.round(performance.now() - startMs);
      say(
        server.hasEnded
          ? `the server has ended after ${elapsedMs} ms`
          : `${elapsedMs} ms later it still runs`,
      );
      client.close();
      return {
        isPresent: !server.hasEnded,
        evidence: { hasEnded: server.hasEnded, elapsedMs },
        sentence: server.hasEnded
          ? `The server ended ${elapsedMs} ms after Ctrl+C, though one client had not hung up.`
          : `${elapsedMs} ms after Ctrl+C the server still runs, because one client has not hung up.`,
      };
    }),
};
