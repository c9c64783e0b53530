/**
 * A node's own folder (`--data`): which cluster it belongs to, and a copy of the newest snapshot. With it a node starts
 * without fetching one, and what the cluster was can be told though NATS has lost it.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { Lock } from '../journal/lock.ts';
import type { Constitution } from './messages.ts';
import { Refusal } from './refusal.ts';

const META = 'cluster.json';
const PREFIX = 'snapshot-';
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** What stands in cluster.json. */
interface Meta {
  readonly format: 'tally-cluster';
  readonly cluster: string;
  readonly constitution: Constitution;
  /** The snapshot that is here. */
  readonly snapshot?: { readonly name: string; readonly sequences: readonly number[] };
}

export class OwnCopy {
  readonly #dir: string;
  readonly #lock: Lock;
  readonly #cluster: string;
  readonly #constitution: Constitution;
  #meta: Meta | undefined;

  private constructor(dir: string, lock: Lock, cluster: string, constitution: Constitution, meta?: Meta) {
    this.#dir = dir;
    this.#lock = lock;
    this.#cluster = cluster;
    this.#constitution = constitution;
    this.#meta = meta;
  }

  /** Throws a `Refusal` if the folder can't be used, or belongs to something else. */
  static async open(dir: string, cluster: string, constitution: Constitution): Promise<OwnCopy> {
    let lock: Lock | undefined;
    try {
      mkdirSync(dir, { recursive: true, mode: FOLDER_MODE });
      lock = await Lock.take(dir);
      if (lock === undefined) throw new Refusal(`--data ${dir} is in use by another server`);
      const meta = metaIn(dir);
      if (meta !== undefined) checkSame(dir, meta, cluster, constitution);
      const copy = new OwnCopy(dir, lock, cluster, constitution, meta);
      if (meta === undefined) copy.#keep({ format: 'tally-cluster', cluster, constitution });
      return copy;
    } catch (error) {
      lock?.release();
      if (error instanceof Refusal) throw error;
      throw new Refusal(`--data ${dir}: ${(error as Error).message}`);
    }
  }

  /** Which snapshot is here. */
  get snapshot(): Meta['snapshot'] {
    return this.#meta?.snapshot;
  }

  /** Its bytes; undefined if there is none. */
  read(): Uint8Array<ArrayBuffer> | undefined {
    if (this.snapshot === undefined) return undefined;
    const bytes = readFileSync(`${this.#dir}/${PREFIX}${this.snapshot.name}`);
    const copy = new Uint8Array(bytes.length);
    copy.set(bytes);
    return copy;
  }

  /** Writes a newer one in its place. */
  write(name: string, sequences: readonly number[], bytes: Uint8Array): void {
    this.#put(`${PREFIX}${name}`, bytes);
    this.#keep({
      ...{ format: 'tally-cluster', cluster: this.#cluster, constitution: this.#constitution },
      snapshot: { name, sequences },
    });
    for (const file of readdirSync(this.#dir))
      if (file.startsWith(PREFIX) && file !== `${PREFIX}${name}`) rmSync(`${this.#dir}/${file}`);
  }

  release(): void {
    this.#lock.release();
  }

  #keep(meta: Meta): void {
    this.#put(META, Buffer.from(`${JSON.stringify(meta, undefined, 2)}\n`));
    this.#meta = meta;
  }

  /** Beside, synced, renamed, the folder synced: it is there as a whole or not at all. */
  #put(name: string, bytes: Uint8Array): void {
    const beside = `${this.#dir}/${name}.tmp`;
    const file = openSync(beside, 'w', FILE_MODE);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, `${this.#dir}/${name}`);
    const folder = openSync(this.#dir, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }
}

function metaIn(dir: string): Meta | undefined {
  const names = readdirSync(dir).filter(name => !/^(lock|lost\+found|.*\.tmp$)/.test(name));
  if (names.includes(META)) return JSON.parse(readFileSync(`${dir}/${META}`, 'utf8')) as Meta;
  if (names.includes('meta.json'))
    throw new Refusal(
      `--data ${dir} is the journal of a server alone; a node of a cluster needs a folder of its own`,
    );
  if (names.length > 0)
    throw new Refusal(`--data ${dir} holds ${names[0]}, and no ${META}: give an empty folder`);
  return undefined;
}

function checkSame(dir: string, meta: Meta, cluster: string, constitution: Constitution): void {
  const { constitution: own } = meta;
  if (own.id !== constitution.id)
    throw new Refusal(
      `--data ${dir} belongs to cluster ${meta.cluster} (${own.id}), and NATS has ${cluster} (${constitution.id}) there: give another folder, or the servers of NATS of that cluster`,
    );
  for (const key of Object.keys(own) as (keyof Constitution)[])
    if (own[key] !== constitution[key])
      throw new Refusal(
        `--data ${dir} was written with ${key} ${own[key]}, and the cluster says ${constitution[key]}: its key was changed by hand; set it back`,
      );
}
