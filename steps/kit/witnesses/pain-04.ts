/** Pain 4, one heavy client delays everybody: how long does `health` take beside a client that sends much at once? */
import { setTimeout as sleep } from 'node:timers/promises';
import { count, ms } from '../../../src/cli/terminal/numbers.ts';
import { openLoop } from './open-loop.ts';
import { isTaken, shown } from './scene.ts';
import { Undecided, type Witness, withServer } from './witness.ts';

const EVENTS = 1_000;
const WORK_US = 2_000;
/** No events, so they cost nothing; after them the server's code is as fast as it gets. */
const WARM_UP_LINES = 3_000;
const PROBE_EVERY_MS = 5;
const PROBES = 260;
const FLOOD_AFTER_MS = 100;
/** A quarter of what the events cost in all. */
const DELAY_MS_MAX = (EVENTS * WORK_US) / 1_000 / 4;

export const heavyClient: Witness = {
  pain: 4,
  mustStart: true,
  run: (source, say) =>
    withServer(source, { workUs: WORK_US, queue: 1024 }, async scene => {
      const [prober, flooder] = [await scene.open(), await scene.open()];
      flooder.send('{"user":"heavy","action":"none","amount":1}\n'.repeat(WARM_UP_LINES));
      await flooder.lines(WARM_UP_LINES);
      say(`one client asks for health every ${PROBE_EVERY_MS} ms`);
      const probed = openLoop(PROBES, 1_000 / PROBE_EVERY_MS, async (_, dueMs) => {
        const reply = await prober.ask('{"type":"health"}\n', 20_000);
        if (!isTaken(reply)) throw new Undecided(`it answers health with ${shown(reply)}`);
        return performance.now() - dueMs;
      });
      // Awaited below; it may fail before that.
      probed.catch(() => {});
      await sleep(FLOOD_AFTER_MS);
      flooder.send('{"user":"heavy","action":"buy","amount":1}\n'.repeat(EVENTS));
      say(`another sends ${count(EVENTS)} events at once, each of which costs ${WORK_US / 1_000} ms`);
      const delays = (await probed).sort((a, b) => a - b);
      const reply = await flooder.line();
      if (!isTaken(reply)) throw new Undecided(`it answers an event with ${shown(reply)}`);
      const [p50, p99] = [0.5, 0.99].map(share => delays[Math.ceil(delays.length * share) - 1]!) as [
        number,
        number,
      ];
      say(`${count(delays.length)} replies: half took up to ${ms(p50)} ms, 99 of 100 up to ${ms(p99)} ms`);
      return {
        isPresent: p99 > DELAY_MS_MAX,
        evidence: {
          healthP50Ms: Number(p50.toFixed(2)),
          healthP99Ms: Number(p99.toFixed(2)),
          probes: delays.length,
        },
        sentence: `Beside a client with ${count(EVENTS)} events, health took ${ms(p99)} ms at the 99th percentile.`,
      };
    }),
};
