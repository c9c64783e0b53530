/** What a key does, on a terminal or in a line of input. */
import type { Acts } from './acts.ts';

const NODES = ['1', '2', '3'];
const NATS = ['4', '5', '6'];
/** For hands that look for letters. */
const NATS_LETTERS = ['a', 'b', 'c'];

/** False if the key does nothing. */
export function pressed(key: string, acts: Acts): boolean {
  const node = NODES.indexOf(key);
  const nats = Math.max(NATS.indexOf(key), NATS_LETTERS.indexOf(key));
  if (node >= 0) void acts.toggleNode(node);
  else if (nats >= 0) void acts.toggleNats(nats);
  else if (key === 'l') acts.toggleLoad();
  else return false;
  return true;
}
