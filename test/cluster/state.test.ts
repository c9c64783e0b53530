/** Snapshots of the state: what is no whole one is not used. */
import { expect, test } from 'vitest';
import { BlockWriter } from '../../src/cluster/block.ts';
import { Machine } from '../../src/cluster/machine.ts';
import type { Constitution } from '../../src/cluster/messages.ts';
import { load, StateError, save } from '../../src/cluster/state.ts';

const OURS: Constitution = {
  ...{ id: 'ours', version: 1, partitions: 2, hashSeed: '', idKey: '' },
  ...{ users: 100, idsMax: 100, idsMs: 1_000 },
};

test('of an empty cluster is one of an empty cluster', () => {
  const machine = load(OURS, save(new Machine(OURS)));
  expect(machine.users.users).toBe(0);
  expect(machine.parts.map(({ sequence }) => sequence)).toEqual([0, 0]);
});

test('with any byte changed, or cut anywhere, is not used', () => {
  const bytes = save(new Machine(OURS));
  for (let at = 0; at < bytes.length; at++) {
    // The reserve of the header says nothing.
    if (at >= 22 && at < 24) continue;
    const changed = bytes.slice();
    changed[at] = changed[at]! ^ 0x10;
    expect(() => load(OURS, changed), `byte ${at}`).toThrow(StateError);
    expect(() => load(OURS, bytes.slice(0, at)), `cut at ${at}`).toThrow(StateError);
  }
});

test('of another cluster, or of a later version, is refused by name', () => {
  const bytes = save(new Machine(OURS));
  expect(() => load({ ...OURS, id: 'theirs' }, bytes)).toThrow('it is of cluster ours, and not of theirs');
  const later = bytes.slice();
  later[24] = 9;
  expect(() => load(OURS, later)).toThrow('it is of version 9, and this node knows 1');
});

test('a block of somebody unknown is the first that it has sent', () => {
  const block = (number: number) => {
    const writer = new BlockWriter('node-1', 1, 1_000);
    writer.addMark();
    return { partition: 0, sequence: 1, timeMs: 1, bytes: writer.take(number) };
  };
  new Machine(OURS).apply(block(1));
  expect(() => new Machine(OURS).apply(block(2))).toThrow('it is number 2 of node-1/1, behind 0');
});
