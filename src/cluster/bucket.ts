/**
 * The key-value bucket of the cluster: values are JSON, and each change names the revision that it changes.
 *
 * Values are read from the bucket's leader: a replica may be behind.
 */
import { type JetStreamManager, jetstream } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { bucketOf } from './names.ts';
import { isNameInUse, isNoStream, isOutrun } from './refusal.ts';

export interface Entry<Value> {
  /** Undefined: it was deleted. */
  readonly value: Value | undefined;
  readonly revision: number;
  /** Of NATS's clock, ms since 1970. */
  readonly createdMs: number;
}

/** For one request. */
const REQUEST_MS_MAX = 2_000;

export class Bucket {
  readonly #kv: KV;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  /** Makes it if it is not there. Throws an error of NATS that passes, or a `Refusal`. */
  static async open(nats: NatsConnection, cluster: string, replicas: number): Promise<Bucket> {
    const kvm = new Kvm(jetstream(nats, { timeout: REQUEST_MS_MAX }));
    const options = { replicas, history: 1, allow_direct: false };
    try {
      return new Bucket(await kvm.create(bucketOf(cluster), options));
    } catch (error) {
      // Another node makes it at the same moment.
      if (isNameInUse(error)) return new Bucket(await kvm.open(bucketOf(cluster), options));
      throw error;
    }
  }

  /** Undefined: it is not there. */
  static async find(
    nats: NatsConnection,
    manager: JetStreamManager,
    cluster: string,
  ): Promise<Bucket | undefined> {
    const kvm = new Kvm(jetstream(nats, { timeout: REQUEST_MS_MAX }));
    try {
      await manager.streams.info(`KV_${bucketOf(cluster)}`);
    } catch (error) {
      if (isNoStream(error)) return undefined;
      throw error;
    }
    return new Bucket(await kvm.open(bucketOf(cluster), { allow_direct: false }));
  }

  /** Undefined: there is no such key, and never was. */
  async get<Value>(key: string): Promise<Entry<Value> | undefined> {
    const entry = await this.#kv.get(key);
    if (entry === null) return undefined;
    const value = entry.operation === 'PUT' ? (JSON.parse(entry.string()) as Value) : undefined;
    return { value, revision: entry.revision, createdMs: entry.created.getTime() };
  }

  /**
   * Sets the key if its revision is this one, or, with undefined, if it was never set. The new revision, or undefined
   * if somebody else was quicker.
   */
  async set(key: string, value: unknown, revision: number | undefined): Promise<number | undefined> {
    try {
      return await this.#kv.put(key, JSON.stringify(value), {
        previousSeq: revision ?? 0,
        timeout: REQUEST_MS_MAX,
      });
    } catch (error) {
      if (isOutrun(error)) return undefined;
      throw error;
    }
  }

  /** Sets the key, whatever it is. */
  async put(key: string, value: unknown): Promise<number> {
    return this.#kv.put(key, JSON.stringify(value), { timeout: REQUEST_MS_MAX });
  }

  async remove(key: string): Promise<void> {
    await this.#kv.purge(key);
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of await this.#kv.keys()) keys.push(key);
    return keys;
  }

  /** How many servers have a copy of it: as many as of all that the cluster keeps. */
  async replicas(): Promise<number> {
    return (await this.#kv.status()).replicas;
  }
}
