/** Listening that fails, or is called off, at moments that a test can't bring about from outside. */
import { readFileSync } from 'node:fs';
import { connect, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readSettings } from '../../src/config/read.ts';
import { Log } from '../../src/log.ts';
import { type Address, ListenError, Listener } from '../../src/net/listener.ts';
import { readDocumented, readInto } from '../../src/net/plain-transport.ts';
import { assemble } from '../../src/server/assemble.ts';
import { until } from '../../src/tools/harness/waiting.ts';

/** Called with the server in place of `listen`. */
const watch = vi.hoisted(() => ({ listen: undefined as ((server: Server) => void) | undefined }));

vi.mock('node:net', async original => {
  const net = await original<typeof import('node:net')>();
  const createServer = (...of: Parameters<typeof net.createServer>) => {
    const server = net.createServer(...of);
    const { listen } = watch;
    if (listen !== undefined)
      server.listen = () => {
        listen(server);
        return server;
      };
    return server;
  };
  return { ...net, createServer };
});

afterEach(() => {
  watch.listen = undefined;
});

const at = (port: number): Address => ({
  is: 'tcp',
  host: '127.0.0.1',
  port,
  isTls: false,
  isProxied: false,
});

function listener(): Listener {
  const settings = readSettings(['--users', '1', '--ring', '2'], {});
  return new Listener(assemble(settings, new Log(settings, process.stdout)).sessions, settings);
}

/** What keeps the server's end of a connection: its timer (2: keepalive), and in how many seconds that is due. */
function timerOf(port: number, clientPort: number | undefined): [kind: number, seconds: number] {
  const hex = (value = 0) => value.toString(16).toUpperCase().padStart(4, '0');
  const row = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(`:${hex(port)}`) && remote?.endsWith(`:${hex(clientPort)}`));
  const [kind, ticks] = row![5]!.split(':');
  return [Number.parseInt(kind!, 16), Number.parseInt(ticks!, 16) / 100];
}

describe('a listener', () => {
  test.each([
    ['as this Node allows', readInto],
    ['in the documented way', readDocumented],
  ] as const)(
    'lets TCP ask silent clients that are read %s, as the setting is when they come',
    async (_, read) => {
      const settings = readSettings(['--users', '1', '--ring', '2'], {});
      const { sessions } = assemble(settings, new Log(settings, process.stdout));
      const listening = new Listener(sessions, settings, read);
      const { port } = await listening.listen(at(0), 1);
      const sockets: Socket[] = [];
      const connectNext = async () => {
        const accepted = sessions.clients.connections_total + 1;
        const socket = connect({ port, host: '127.0.0.1' });
        sockets.push(socket);
        await until(() => sessions.clients.connections_total === accepted, 'the connection to be accepted');
        return timerOf(port, socket.localPort);
      };
      for (const [keepaliveMs, seconds] of [
        [60_000, 60],
        [1, 1],
        [1_001, 2],
      ] as const) {
        settings.keepaliveMs = keepaliveMs;
        const [kind, due] = await connectNext();
        expect(kind).toBe(2);
        expect(due).toBeLessThanOrEqual(seconds);
        expect(due).toBeGreaterThan(seconds - 1);
      }
      settings.keepaliveMs = 0;
      expect(await connectNext()).toEqual([0, 0]);
      for (const socket of sockets) socket.destroy();
      listening.close();
      await sessions.empty();
    },
  );

  test.each([
    ['EACCES', 'port 80 needs privileges this process does not have; take one above 1023 with --port'],
    ['EPERM', "can't listen on 127.0.0.1:80: listen EPERM"],
  ])('says in one line why it can not listen: %s', async (code, message) => {
    watch.listen = server => {
      server.emit('error', Object.assign(new Error(`listen ${code}`), { code }));
    };
    const failed = listener().listen(at(80), 1);
    await expect(failed).rejects.toThrow(ListenError);
    await expect(failed).rejects.toThrow(message);
  });
});
