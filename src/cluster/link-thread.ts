/**
 * The thread that speaks to NATS: its client has an event loop and timers of its own, which the socket thread should not
 * share.
 */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Link, type Send } from './link.ts';
import type { LinkStart } from './link-options.ts';
import type { ToLink } from './messages.ts';
import { messageOf } from './refusal.ts';

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  let isEnding = false;
  const end = () => {
    if (isEnding) return;
    isEnding = true;
    void link.stop().finally(() => port.close());
  };
  const send: Send = (message, transfer = []) => {
    port.postMessage(message, transfer);
    if (message.is === 'refused') end();
  };
  const link = new Link(workerData as LinkStart, send);
  port.on('message', (message: ToLink) => {
    if (message.is === 'stop') end();
    else link.hear(message);
  });
  link.open().catch(error => send({ is: 'refused', reason: messageOf(error) }));
}
