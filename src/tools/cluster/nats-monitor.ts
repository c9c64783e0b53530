/** What a nats-server says of itself on its monitoring port: whether it is well, and who leads. */

const ASKING_MS_MAX = 1_000;

/** One that was left behind while its server was stopped stays so until it goes; streams are well without it. */
const OF_A_CONSUMER = /^JetStream consumer '.*' is not current$/;

export interface JetStreamSeen {
  /** The server that makes streams and consumers; undefined while there is none. */
  readonly metaLeader: string | undefined;
  /** How many of the others it sees, and sees up to date. */
  readonly followers: number;
  readonly current: number;
  readonly streams: readonly StreamSeen[];
}

export interface StreamSeen {
  readonly name: string;
  /** The name of the server that leads it, as this server knows. */
  readonly leader: string | undefined;
}

interface Jsz {
  readonly meta_cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly current?: boolean; readonly offline?: boolean }[] | null;
  };
  readonly account_details?: readonly {
    readonly stream_detail?: readonly { readonly name: string; readonly cluster?: { leader?: string } }[];
  }[];
}

/** Why a server is not well; undefined: it is. It writes a line into its log for each question to which it says no. */
export async function illnessOf(httpPort: number): Promise<string | undefined> {
  const answer = await ask<{ status?: string; error?: string }>(httpPort, 'healthz');
  if (answer === undefined) return 'it does not answer';
  if (answer.status === 'ok' || OF_A_CONSUMER.test(answer.error ?? '')) return undefined;
  return answer.error ?? answer.status ?? 'it does not say why';
}

/** Undefined where the server does not answer. */
export async function jetStreamOf(httpPort: number): Promise<JetStreamSeen | undefined> {
  const seen = await ask<Jsz>(httpPort, 'jsz?streams=true');
  if (seen === undefined) return undefined;
  const replicas = seen.meta_cluster?.replicas ?? [];
  const details = (seen.account_details ?? []).flatMap(({ stream_detail }) => stream_detail ?? []);
  return {
    metaLeader: seen.meta_cluster?.leader || undefined,
    followers: replicas.length,
    current: replicas.filter(({ current, offline }) => current === true && offline !== true).length,
    streams: details.map(({ name, cluster }) => ({ name, leader: cluster?.leader || undefined })),
  };
}

async function ask<Answer>(httpPort: number, path: string): Promise<Answer | undefined> {
  try {
    const url = `http://127.0.0.1:${httpPort}/${path}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(ASKING_MS_MAX) });
    return (await answer.json()) as Answer;
  } catch {
    return undefined;
  }
}
