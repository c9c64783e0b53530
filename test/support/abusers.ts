/**
 * Clients that would bring a server down, by name. Each tries again when the server hangs up on it.
 *
 * Whatever events they send buy 1 for a user of their own (`mallory-<name>`), so that the balances say how many were
 * applied. Bytes are sent as fast as the server takes them, or at the rate that was asked for.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Attack {
  port: number;
  /** How many the server lets in; the crowd is larger. */
  connectionsMax: number;
  /** How much all clients of this abuser may send, together. Infinity: what the server takes. */
  bytesPerS: number;
  startMs: number;
  /** Aborted when it is over. */
  over: AbortSignal;
}

/** What an abuser did, counted. */
export interface Deeds {
  connects: number;
  sentBytes: number;
  hungUpOn: number;
}

export interface Abuser {
  about: string;
  run(attack: Attack, deeds: Deeds): Promise<void>;
}

export type AbuserName = 'deaf' | 'flood' | 'tangle' | 'endless' | 'loris' | 'resets' | 'crowd';

export const userOf = (name: AbuserName) => `mallory-${name}`;
const eventOf = (name: AbuserName) => `{"user":"${userOf(name)}","action":"buy","amount":1}\n`;

const METRICS = '{"type":"metrics","detail":true}\n';
const CHUNK_BYTES = 65_536;
/** Behind a hang-up, so that a server that refuses everybody is not only asked to do that. */
const RETRY_MS = 20;
const RESETS_AT_A_TIME = 50;
/** 500 a second. */
const RESETS_PAUSE_MS = 100;
const LORIS_MS = 100;
const CROWD_EXTRA = 100;
const CROWD_AT_A_TIME = 100;
const CROWD_STAY_MS = 1_000;

export const ABUSERS: Record<AbuserName, Abuser> = {
  deaf: {
    about: '200 that pipeline and never read: 100 send events, 100 requests with longer replies',
    run: (attack, deeds) =>
      many(200, index =>
        again(attack, deeds, socket => {
          socket.pause();
          pour(socket, filled(index % 2 === 0 ? eventOf('deaf') : METRICS), attack, deeds);
        }),
      ),
  },
  flood: {
    about: '4 that pipeline events without a pause, and read the replies',
    run: (attack, deeds) =>
      many(4, () =>
        again(attack, deeds, socket => {
          socket.resume();
          pour(socket, filled(eventOf('flood')), attack, deeds);
        }),
      ),
  },
  tangle: {
    about: '4 that pipeline lines of 16 KiB, as dear to judge as lines can be, and read the replies',
    run: (attack, deeds) =>
      many(4, () =>
        again(attack, deeds, socket => {
          socket.resume();
          pour(socket, Buffer.from(TANGLED.join('')), attack, deeds);
        }),
      ),
  },
  endless: {
    about: '100 that send lines without an end',
    run: (attack, deeds) =>
      many(100, () =>
        again(attack, deeds, socket => pour(socket, Buffer.alloc(CHUNK_BYTES, 'a'), attack, deeds)),
      ),
  },
  loris: {
    about: '500 that send a line byte by byte, ten a second',
    run: (attack, deeds) =>
      many(500, () =>
        again(attack, deeds, socket => {
          socket.write('{"user":"');
          const trickle = setInterval(() => {
            socket.write('a');
            deeds.sentBytes += 1;
          }, LORIS_MS);
          socket.once('close', () => clearInterval(trickle));
        }),
      ),
  },
  resets: {
    about: '500 connects a second that are reset: in a line, behind an event, with replies unread',
    run: resetAgainAndAgain,
  },
  crowd: {
    about: 'waves of 100 connections more than the server lets in, each of which stays a second and is reset',
    run: crowdAgainAndAgain,
  },
};

/** Deep, and then wide; strings of nothing but escapes; digits without an end. None is an event. */
const TANGLED = [
  `${'['.repeat(8_000)}${']'.repeat(8_000)}`,
  `[${'{},'.repeat(5_000)}0]`,
  `{"user":"${'\\u0061'.repeat(2_600)}","action":"buy","amount":1}`,
  `{"user":"a","action":"buy","amount":1${'0'.repeat(16_000)}}`,
  `{${Array.from({ length: 1_400 }, (_, field) => `"f${field}":0`).join(',')}}`,
].map(line => `${line}\n`);

function filled(line: string): Buffer {
  return Buffer.from(line.repeat(Math.floor(CHUNK_BYTES / line.length)));
}

async function many(count: number, run: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}

/** Connects, lets it do its work, and does so again when the server hangs up, until it is over. */
async function again({ port, over }: Attack, deeds: Deeds, work: (socket: Socket) => void): Promise<void> {
  while (!over.aborted) {
    await new Promise<void>(resolve => {
      const socket = connect({ port, host: '127.0.0.1' });
      const stop = () => socket.destroy();
      over.addEventListener('abort', stop);
      socket.on('connect', () => {
        deeds.connects += 1;
        work(socket);
      });
      socket.on('error', () => {});
      socket.on('close', () => {
        over.removeEventListener('abort', stop);
        if (!over.aborted) deeds.hungUpOn += 1;
        resolve();
      });
    });
    await sleep(RETRY_MS, undefined, { signal: over }).catch(() => {});
  }
}

/** Sends the same bytes over and over, at the rate of its abuser. */
function pour(socket: Socket, bytes: Buffer, { bytesPerS, startMs }: Attack, deeds: Deeds): void {
  const push = () => {
    if (socket.destroyed) return;
    // All clients of the abuser look at the same sum, so they share its rate.
    const aheadMs = (deeds.sentBytes / bytesPerS) * 1_000 - (performance.now() - startMs);
    if (aheadMs > 0) {
      setTimeout(push, Math.ceil(aheadMs));
      return;
    }
    deeds.sentBytes += bytes.length;
    socket.write(bytes, error => {
      if (!error) setImmediate(push);
    });
  };
  push();
}

async function resetAgainAndAgain({ port, over }: Attack, deeds: Deeds): Promise<void> {
  const lasts = ['{"user":"mal', eventOf('resets'), eventOf('resets').trimEnd(), METRICS.repeat(50)];
  for (let nextMs = performance.now(); !over.aborted; nextMs += RESETS_PAUSE_MS) {
    await many(RESETS_AT_A_TIME, index =>
      once(port, socket => {
        const last = lasts[index % lasts.length]!;
        deeds.connects += 1;
        deeds.sentBytes += last.length;
        socket.write(last);
        socket.resetAndDestroy();
      }),
    );
    await sleep(Math.max(1, nextMs + RESETS_PAUSE_MS - performance.now()));
  }
}

function once(port: number, work: (socket: Socket) => void): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => work(socket));
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}

async function crowdAgainAndAgain(attack: Attack, deeds: Deeds): Promise<void> {
  const { connectionsMax, over } = attack;
  while (!over.aborted) {
    const crowd = new Set<Socket>();
    while (crowd.size < connectionsMax + CROWD_EXTRA && !over.aborted)
      await many(CROWD_AT_A_TIME, () => join(attack.port, crowd, deeds));
    await sleep(CROWD_STAY_MS, undefined, { signal: over }).catch(() => {});
    // Not an orderly end: that would keep the client's ports for a minute.
    for (const socket of crowd) socket.resetAndDestroy();
    await sleep(CROWD_STAY_MS, undefined, { signal: over }).catch(() => {});
  }
}

/** Resolves when it is connected, or is not. Who was refused is still one of the crowd. */
function join(port: number, crowd: Set<Socket>, deeds: Deeds): Promise<void> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' });
    crowd.add(socket);
    socket.on('connect', () => {
      deeds.connects += 1;
      resolve();
    });
    socket.on('error', () => resolve());
    // Reads the end, if it is hung up on.
    socket.resume();
    socket.on('end', () => {
      deeds.hungUpOn += 1;
    });
  });
}
