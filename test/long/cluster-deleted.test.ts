/** A stream that somebody deletes under a running node: it may be a leader's change at first, so it takes a while. */

import { jetstreamManager } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { streamOf } from '../../src/cluster/names.ts';
import { Linked, linkStart, newCluster } from '../cluster/linked.ts';
import { isNatsMissing, useNats } from '../cluster/nats.ts';

const used = useNats({ count: 1 });

test.skipIf(isNatsMissing)('a node whose stream was deleted is refused', async () => {
  const node = await Linked.begun(linkStart(used.servers.urls, { cluster: newCluster(), replicas: 1 }));
  await node.store(0, 'first');
  await node.untilRead(0, 1);
  const stream = streamOf(node.start.cluster, 0);
  await (await jetstreamManager(used.nats)).streams.delete(stream);
  expect(await node.untilRefused()).toBe(
    `the stream ${stream} was deleted; its blocks are lost: restore it, or make another cluster (--cluster-name)`,
  );
});
