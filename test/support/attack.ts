/**
 * Abusers as a process of their own: `tsx attack.ts PORT SECONDS CONNECTIONS_MAX MB_PER_S NAME,…`. Says that it
 * is ready, begins when its standard input ends, and prints one JSON line with what each did.
 */
import { setMaxListeners } from 'node:events';
import { ABUSERS, type AbuserName, type Deeds } from './abusers.ts';

const [port, seconds, connectionsMax, mbPerS, names] = process.argv.slice(2);
process.stdout.write('ready\n');
for await (const _ of process.stdin);
const over = new AbortController();
// Each connection listens for the end.
setMaxListeners(0, over.signal);
const attack = {
  port: Number(port),
  connectionsMax: Number(connectionsMax),
  bytesPerS: Number(mbPerS) * 1e6,
  startMs: performance.now(),
  over: over.signal,
};
const deeds: Partial<Record<AbuserName, Deeds>> = {};
const abusers = names!
  .split(',')
  .filter(Boolean)
  .map(each => {
    const name = each as AbuserName;
    const done = { connects: 0, sentBytes: 0, hungUpOn: 0 };
    deeds[name] = done;
    return ABUSERS[name].run(attack, done);
  });
setTimeout(() => over.abort(), Number(seconds) * 1_000);
await Promise.all(abusers);
// A process that just ends has been seen to wait in Node's last clean-up, busily, for a socket that was gone.
process.stdout.write(`${JSON.stringify(deeds)}\n`, () => process.exit());
