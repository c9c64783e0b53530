/** What an event costs beside its addition: a slow call to somebody else (`block`), or a computation (`cpu`). */
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Returns after that time, and lets nothing else happen on this thread meanwhile. */
export function work(us: string, kind: string): void {
  const ms = Number(us) / 1000;
  if (ms > 0 && kind === 'block') Atomics.wait(sleeper, 0, 0, ms);
  if (ms > 0 && kind === 'cpu') for (const endMs = performance.now() + ms; performance.now() < endMs; );
}
