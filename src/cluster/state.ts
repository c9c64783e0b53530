/**
 * The state of the machine as bytes: a snapshot, from which a node goes on.
 *
 * Node's own serialization writes typed arrays and maps as they are. Before it lie what identifies a snapshot and a
 * checksum, so that half of one is not taken for one.
 */
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { ID_WORDS } from '../engine/words.ts';
import { FORMAT_VERSION } from './block.ts';
import type { Chain, Owed } from './chains.ts';
import { Machine } from './machine.ts';
import type { Constitution } from './messages.ts';

const MAGIC = 'TALLY-CLUSTER-SNAPSHOT';
const HEADER_BYTES = 32;

/** A snapshot that can't be used, and why. */
export class StateError extends Error {}

type SavedOwed = Omit<Owed, 'waiting'>;
interface SavedChain {
  issued: number;
  passed: number;
  open: Map<number, SavedOwed>;
}
interface SavedPart {
  sequence: number;
  timeMs: number;
  users: number;
  inTransit: bigint;
  senders: Map<string, number>;
  /** ID_WORDS words each, in the order of their age. */
  ids: Int32Array;
}
interface Saved {
  cluster: string;
  parts: SavedPart[];
  /** Of every user, in the order of their indices. */
  indices: Uint32Array;
  balances: Float64Array;
  hashes: Int32Array;
  nameBytes: Uint8Array;
  /** All names, one behind the other. */
  names: Uint8Array;
  credits: SavedChain[][];
  refunds: SavedChain[][];
}

export function save(machine: Machine): Uint8Array {
  const { users, parts, credits, refunds, constitution } = machine;
  const saved: Saved = {
    cluster: constitution.id,
    parts: parts.map(part => ({
      ...{ sequence: part.sequence, timeMs: part.timeMs, users: part.users },
      ...{ inTransit: part.inTransit, senders: part.senders },
      ids: savedIds(part.ids),
    })),
    ...savedUsers(machine, users.users),
    credits: credits.map(row => row.map(savedChain)),
    refunds: refunds.map(row => row.map(savedChain)),
  };
  const state = serialize(saved);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC);
  header.writeUInt32LE(FORMAT_VERSION, HEADER_BYTES - 8);
  header.writeUInt32LE(crc32(state), HEADER_BYTES - 4);
  return Buffer.concat([header, state]);
}

/** Throws `StateError`. */
export function load(constitution: Constitution, bytes: Uint8Array): Machine {
  const state = checkedState(bytes);
  const saved = deserialize(state) as Saved;
  if (saved.cluster !== constitution.id)
    throw new StateError(`it is of cluster ${saved.cluster}, and not of ${constitution.id}`);
  const machine = new Machine(constitution);
  loadUsers(machine, saved);
  for (const [partition, { ids, senders, ...rest }] of saved.parts.entries()) {
    const part = machine.parts[partition]!;
    Object.assign(part, rest);
    for (const [sender, number] of senders) part.senders.set(sender, number);
    for (let at = 0; at < ids.length; at += ID_WORDS) part.ids.restore(ids.subarray(at, at + ID_WORDS));
  }
  loadChains(machine.credits, saved.credits);
  loadChains(machine.refunds, saved.refunds);
  machine.noteOpenIds();
  return machine;
}

/** Throws `StateError` if it is not a whole snapshot of this version. */
export function checkedState(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < HEADER_BYTES || buffer.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new StateError('it is no snapshot of a cluster');
  const version = buffer.readUInt32LE(HEADER_BYTES - 8);
  if (version !== FORMAT_VERSION)
    throw new StateError(`it is of version ${version}, and this node knows ${FORMAT_VERSION}`);
  const state = buffer.subarray(HEADER_BYTES);
  if (crc32(state) !== buffer.readUInt32LE(HEADER_BYTES - 4)) throw new StateError('its checksum is wrong');
  return state;
}

function savedIds(ids: Machine['parts'][number]['ids']): Int32Array {
  const words = new Int32Array(ids.count * ID_WORDS);
  for (let at = 0; at < ids.count; at++)
    ids.copyTo((ids.head + at) | 0, words.subarray(at * ID_WORDS, (at + 1) * ID_WORDS));
  return words;
}

function savedUsers({ users, balances }: Machine, count: number) {
  const found: { index: number; hash: number; name: Uint8Array }[] = [];
  let bytesAll = 0;
  users.visit((bytes, at, length, index, hash) => {
    found.push({ index, hash, name: bytes.slice(at, at + length) });
    bytesAll += length;
  });
  found.sort((one, other) => one.index - other.index);
  const names = new Uint8Array(bytesAll);
  let at = 0;
  for (const { name } of found) {
    names.set(name, at);
    at += name.length;
  }
  if (found.length !== count) throw new Error(`${found.length} of ${count} users were visited`);
  return {
    indices: Uint32Array.from(found, ({ index }) => index),
    balances: Float64Array.from(found, ({ index }) => balances[index]!),
    hashes: Int32Array.from(found, ({ hash }) => hash),
    nameBytes: Uint8Array.from(found, ({ name }) => name.length),
    names,
  };
}

function loadUsers(machine: Machine, { indices, balances, hashes, nameBytes, names }: Saved): void {
  let at = 0;
  for (const [user, index] of indices.entries()) {
    const bytes = nameBytes[user]!;
    for (let byte = 0; byte < bytes; byte++) machine.names[byte] = names[at + byte]!;
    machine.users.restore({ nameAt: 0, nameBytes: bytes, hash: hashes[user]! }, index);
    machine.balances[index] = balances[user]!;
    at += bytes;
  }
}

function savedChain({ issued, passed, open }: Chain): SavedChain {
  const owed = [...open].map(([place, { waiting: _, ...rest }]) => [place, rest] as const);
  return { issued, passed, open: new Map(owed) };
}

function loadChains(into: readonly (readonly Chain[])[], saved: SavedChain[][]): void {
  for (const [source, row] of saved.entries())
    for (const [target, { issued, passed, open }] of row.entries()) {
      const chain = into[source]![target]!;
      chain.issued = issued;
      chain.passed = passed;
      for (const [place, owed] of open) chain.open.set(place, { ...owed, waiting: [] });
    }
}
