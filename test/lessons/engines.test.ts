/** The engines of lessons: real ones, on free ports, that leave nothing behind. */
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { isListening } from '../../src/tools/harness/server.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import type { EngineName } from '../../steps/lesson-kit/engines/engine.ts';
import { ENGINES, startEngines, stopEngines, whatIsMissing } from '../../steps/lesson-kit/engines/engines.ts';
import { Place } from '../../steps/lesson-kit/place.ts';

const NAMES = Object.keys(ENGINES) as EngineName[];
/** What a client says first, and how the answer begins. NATS says who it is unasked. */
const GREETINGS: Record<EngineName, { says: Uint8Array; hears: RegExp }> = {
  redis: { says: Buffer.from('PING\r\n'), hears: /^\+PONG/ },
  // A request for TLS, which is answered by one letter.
  postgres: { says: Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]), hears: /^[NS]$/ },
  nats: { says: Buffer.alloc(0), hears: /^INFO \{.*"jetstream":true/ },
};

function greeted(url: string, says: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => says.length > 0 && socket.write(says));
    socket.setEncoding('latin1').on('error', reject);
    socket.once('data', text => {
      socket.destroy();
      resolve(String(text));
    });
  });
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const foldersOf = (name: EngineName) =>
  readdirSync(tmpdir()).filter(each => each.startsWith(`tally-${name}-`));

describe.each(NAMES)('%s', name => {
  const missing = whatIsMissing([name]);
  if (missing !== undefined) console.log(`left out: ${missing}`);
  if (missing !== undefined && process.env.CI)
    test('is here, under CI', () => expect(missing).toBeUndefined());

  test.skipIf(missing !== undefined)(
    'starts, answers, is paused, and leaves neither process nor folder',
    async () => {
      const place = await Place.open({ engines: [name], folder: '' });
      const engine = place.engine(name);
      const { says, hears } = GREETINGS[name];
      expect(place.addresses).toEqual({ [`${name}-url`]: engine.url });
      expect(await greeted(engine.url, says)).toMatch(hears);
      expect(isAlive(engine.pid!)).toBe(true);
      const folders = foldersOf(name);
      expect(folders.length).toBeGreaterThan(0);
      engine.signal('SIGSTOP');
      engine.signal('SIGCONT');
      expect(await greeted(engine.url, says)).toMatch(hears);
      await place.close();
      await until(() => !isAlive(engine.pid!), `${name} to end`);
      const { hostname, port } = new URL(engine.url);
      expect(await isListening(hostname, Number(port))).toBe(false);
      expect(folders.every(folder => foldersOf(name).includes(folder))).toBe(false);
    },
  );

  test.skipIf(missing !== undefined)('runs twice side by side', async () => {
    const two = [...(await startEngines([name])), ...(await startEngines([name]))];
    try {
      expect(new Set(two.map(({ url }) => url)).size).toBe(2);
    } finally {
      await stopEngines(two);
    }
  });
});

test('what is missing is said with what installs it, and nothing is started', async () => {
  const path = process.env.PATH;
  process.env.PATH = '/nowhere';
  try {
    const said = 'Redis is not installed here: apt-get install redis-server, or brew install redis';
    expect(whatIsMissing(['redis'])).toBe(said);
    await expect(Place.open({ engines: ['redis'], folder: '' })).rejects.toThrow(said);
  } finally {
    process.env.PATH = path;
  }
});
