/** Listening that fails, or is called off, at moments that a test can't bring about from outside. */
import type { Server } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readSettings } from '../../src/config/read.ts';
import { Log } from '../../src/log.ts';
import { ListenError, Listener } from '../../src/net/listener.ts';
import { assemble } from '../../src/server/assemble.ts';

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

function listener(): Listener {
  const settings = readSettings(['--users', '1', '--ring', '2'], {});
  return new Listener(assemble(settings, new Log(settings, process.stdout, {})).sessions, settings);
}

describe('a listener', () => {
  test.each([
    ['EACCES', 'port 80 needs privileges this process does not have; take one above 1023 with --port'],
    ['EPERM', "can't listen on 127.0.0.1:80: listen EPERM"],
  ])('says in one line why it can not listen: %s', async (code, message) => {
    watch.listen = server => {
      server.emit('error', Object.assign(new Error(`listen ${code}`), { code }));
    };
    const failed = listener().listen('127.0.0.1', 80, 1);
    await expect(failed).rejects.toThrow(ListenError);
    await expect(failed).rejects.toThrow(message);
  });
});
