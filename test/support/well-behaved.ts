/** The well-behaved clients among abusers: some with a good network, some behind every fault of the proxy. */
import { randomFrom } from '../../src/tools/load/random.ts';
import { askBalances } from './asking.ts';
import { type Course, FaultProxy } from './fault-proxy.ts';
import { Latency } from './latency.ts';
import { Payer } from './payer.ts';

const DIRECT = 2;

interface Network {
  name: string;
  /** The connection is cut sooner or later. */
  isCut: boolean;
  course(random: () => number): Course;
}

const someBytes = (random: () => number) => 200 + Math.floor(random() * 3_000);

const NETWORKS: Network[] = [
  {
    name: 'far',
    isCut: false,
    course: () => ({ toServer: { latencyMs: 10, jitterMs: 20 }, toClient: { latencyMs: 10, jitterMs: 20 } }),
  },
  {
    name: 'narrow',
    isCut: false,
    course: () => ({ toServer: { bytesPerS: 2_000 }, toClient: { bytesPerS: 2_000 } }),
  },
  {
    name: 'sliced',
    isCut: false,
    course: () => ({ toServer: { sliceBytes: 7, sliceMs: 1 }, toClient: { sliceBytes: 5, sliceMs: 1 } }),
  },
  {
    name: 'reset-there',
    isCut: true,
    course: random => ({ toServer: { resetAfterBytes: someBytes(random) } }),
  },
  {
    name: 'reset-back',
    isCut: true,
    course: random => ({ toClient: { resetAfterBytes: someBytes(random) } }),
  },
  {
    name: 'closed',
    isCut: true,
    course: random => ({ toServer: { closeAfterBytes: someBytes(random) } }),
  },
  {
    name: 'half-closed',
    isCut: true,
    course: random => ({ toServer: { halfCloseAfterBytes: someBytes(random), slowCloseMs: 20 } }),
  },
];

export class WellBehaved {
  /** Of those with a good network. */
  readonly latency: Latency;
  readonly #payers: Payer[] = [];
  readonly #proxies: FaultProxy[] = [];
  readonly #paying: Promise<void>[] = [];
  readonly #over = new AbortController();
  #failure: unknown;

  private constructor(everyMs: number) {
    this.latency = new Latency(everyMs);
  }

  static async start(port: number, seed: number, everyMs: number): Promise<WellBehaved> {
    const all = new WellBehaved(everyMs);
    const random = randomFrom(seed);
    for (let index = 0; index < DIRECT; index++)
      all.#add(new Payer(`direct${index}`, port, random, tookMs => all.latency.add(tookMs)), everyMs, false);
    for (const { name, isCut, course } of NETWORKS) {
      const proxy = await FaultProxy.start(port, seed, () => course(random));
      all.#proxies.push(proxy);
      all.#add(new Payer(name, proxy.port, random), everyMs, isCut);
    }
    return all;
  }

  #add(payer: Payer, everyMs: number, isCut: boolean): void {
    this.#payers.push(payer);
    const paying = payer.pay(this.#over.signal, everyMs, isCut).catch(error => {
      this.#failure ??= error;
    });
    this.#paying.push(paying);
  }

  get cuts(): number {
    return this.#payers.reduce((sum, { cuts }) => sum + cuts, 0);
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#paying);
    await Promise.all(this.#proxies.map(proxy => proxy.stop()));
    this.throwIfFailed();
  }

  /** Once the server has nothing more to apply: what was wrong, and how many events were applied. */
  async audit(port: number): Promise<{ wrong: string[]; events: number }> {
    const wrong: string[] = [];
    let events = 0;
    for (const payer of this.#payers) {
      const balances = await askBalances(
        port,
        payer.accounts.map(({ user }) => user),
      );
      wrong.push(...payer.wrong, ...payer.check(balances));
      events += payer.applied(balances);
    }
    return { wrong, events };
  }
}
