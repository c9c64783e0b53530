/** The way from a node to one nats-server: a proxy whose faults begin and end while connections are open. */
import { type Course, FaultProxy } from '../../support/fault-proxy.ts';

type Mutable<Of> = { -readonly [Key in keyof Of]: Of[Key] };
type Both = Required<Mutable<Course>>;

export class NodeLink {
  readonly #proxy: FaultProxy;
  /** Of all connections, those to come included. */
  readonly #course: Both;

  private constructor(proxy: FaultProxy, course: Both) {
    this.#proxy = proxy;
    this.#course = course;
  }

  static async open(port: number, seed: number): Promise<NodeLink> {
    const course: Both = { toServer: {}, toClient: {} };
    return new NodeLink(await FaultProxy.start(port, seed, () => course), course);
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#proxy.port}`;
  }

  /** All connections are reset, and new ones at the first byte. */
  cut(): void {
    this.#course.toClient.resetAfterBytes = 1;
    this.#proxy.reset();
  }

  /** Nothing passes, in one direction or both; what was under way passes later. */
  hold(toServer: boolean, toClient: boolean): void {
    this.#course.toServer.isHeld = toServer;
    this.#course.toClient.isHeld = toClient;
  }

  slow(latencyMs: number, jitterMs: number): void {
    for (const faults of [this.#course.toServer, this.#course.toClient])
      Object.assign(faults, { latencyMs, jitterMs });
  }

  /** The server has lost its side of all connections, and the node is not told. */
  halfOpen(): void {
    for (const connection of this.#proxy.connections) connection.dropServer();
  }

  heal(): void {
    for (const faults of [this.#course.toServer, this.#course.toClient])
      for (const fault of Object.keys(faults) as (keyof typeof faults)[]) delete faults[fault];
  }

  stop(): Promise<void> {
    return this.#proxy.stop();
  }
}
