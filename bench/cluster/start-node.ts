/** A node of a cluster, as a process. */
import { fileURLToPath } from 'node:url';
import { type PeerProcess, startProcess } from '../peers/process.ts';
import type { Entry } from '../peers/subjects.ts';

export function startNode(
  name: string,
  urls: readonly string[],
  cluster: string,
  node: string,
  flags: readonly string[] = [],
): Promise<PeerProcess> {
  return startProcess({
    name: `${name}, ${node}`,
    program: process.execPath,
    args: [
      ...['--max-semi-space-size=1', fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))],
      ...['serve', '--port', '0', '--log-format', 'json'],
      ...['--cluster', urls.join(','), '--cluster-name', cluster, '--node', node, ...flags],
    ],
    portOf(line) {
      const entry = JSON.parse(line) as Entry;
      return entry.event === 'listening' ? (entry.port as number) : undefined;
    },
  });
}
