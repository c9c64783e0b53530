/**
 * The settings of a node of a cluster.
 */
import { integer, text } from './setting.ts';

export const CLUSTER = {
  cluster: text(
    '',
    'addresses of NATS',
    'servers of NATS JetStream, nats://HOST:PORT, with commas between them: the server is a node of a cluster',
    'nats://10.0.0.1:4222,nats://10.0.0.2:4222',
  ),
  node: text('', 'a name', 'what this node is called; no two nodes have one name', 'shop-1'),
  clusterName: text('tally', 'a name', 'of the cluster: the first part of all names in NATS'),
  clusterPartitions: integer(2, 1, 64, 'streams that users are shared out to; fixed by the first node'),
  clusterReplicas: integer(3, 1, 5, 'servers of NATS that keep each stream; fixed by the first node'),
  clusterSnapshotBlocks: integer(
    20_000,
    1,
    1_000_000_000,
    'blocks behind a snapshot with which the next one is due; after ten minutes, one',
  ),
  clusterCreds: text('', 'a file', 'file of credentials for NATS', '/etc/tally/nats.creds'),
  clusterCa: text(
    '',
    'a file',
    'file of the certificate, PEM, that signs those of the servers of NATS',
    '/etc/tally/nats-ca.pem',
  ),
  clusterCert: text(
    '',
    'a file',
    'file of the certificate, PEM, with which the node shows NATS who it is',
    '/etc/tally/nats.pem',
  ),
  clusterKey: text('', 'a file', 'file of its private key, PEM', '/etc/tally/nats-key.pem'),
};
