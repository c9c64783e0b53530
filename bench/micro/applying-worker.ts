/** Applies blocks of usual events to the state of a cluster, in a thread of its own. */
import { BlockWriter, RecordKind } from '../../src/cluster/block.ts';
import { BLOCK_BYTES_MAX, Machine } from '../../src/cluster/machine.ts';
import type { Stored } from '../../src/cluster/messages.ts';
import { drawHashSeed, hashName } from '../../src/protocol/hash.ts';
import { emptyRequest } from '../../src/protocol/request.ts';
import { answerWith } from './thread.ts';

export interface ApplyingWork {
  users: number;
  events: number;
  /** Of a block. */
  blockEvents: number;
}

export interface ApplyingAnswer {
  nsAnEvent: number;
  /** The sum of all balances. */
  sum: number;
}

const PARTITIONS = 4;
const AMOUNT = 50;
const NAME_BYTES_MAX = 64;

function apply({ users, events, blockEvents }: ApplyingWork): ApplyingAnswer {
  const machine = new Machine({
    ...{ id: 'bench', version: 1, partitions: PARTITIONS, hashSeed: '', idKey: '' },
    ...{ users: PARTITIONS * users, idsMax: 0, idsMs: 1 },
  });
  const seed = drawHashSeed();
  const names = Buffer.alloc(NAME_BYTES_MAX);
  const view = new DataView(names.buffer, names.byteOffset, names.length);
  const writers = Array.from({ length: PARTITIONS }, () => new BlockWriter('bench', 1, BLOCK_BYTES_MAX));
  const numbers = new Array<number>(PARTITIONS).fill(0);
  const blocks: Stored[] = [];
  const request = { ...emptyRequest(), amount: AMOUNT };
  let user = 1;
  for (let event = 0; event < events; event++) {
    user = (user * 4_801 + 1) % users;
    request.nameBytes = names.write(`u${user}`);
    request.hash = hashName(view, 0, request.nameBytes, seed);
    const partition = machine.partitionOf(request.hash);
    const writer = writers[partition]!;
    writer.addRequest(RecordKind.event, request, view);
    if (writer.records < blockEvents) continue;
    const number = numbers[partition]! + 1;
    numbers[partition] = number;
    blocks.push({ partition, sequence: number, timeMs: 1, bytes: writer.take(number) });
  }
  const startMs = performance.now();
  for (const block of blocks) machine.apply(block);
  const tookMs = performance.now() - startMs;
  return {
    nsAnEvent: (tookMs * 1e6) / (blocks.length * blockEvents),
    sum: machine.balances.reduce((sum, balance) => sum + balance, 0) - blocks.length * blockEvents * AMOUNT,
  };
}

await answerWith(async (work: ApplyingWork) => apply(work));
