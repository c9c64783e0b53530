/**
 * Reads one message of a stream without a consumer: any server that has a copy answers. It takes a round trip each, and
 * needs no leader, neither of the stream nor of those who make consumers.
 */
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { type Delivered, NOT_DELIVERED } from './delivered.ts';

const ANSWER_MS_MAX = 500;
const NOT_FOUND = 404;

/** Undefined: it is not there, or not yet. Throws errors of NATS, also where the stream can't be read in this way. */
export async function readDirect(
  nats: NatsConnection,
  stream: string,
  sequence: number,
): Promise<Delivered | undefined> {
  const answer = await nats.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ seq: sequence }), {
    timeout: ANSWER_MS_MAX,
  });
  const code = answer.headers?.code ?? 0;
  if (code === NOT_FOUND) return undefined;
  const has = answer.headers?.get('Nats-Sequence') ?? '';
  if (code !== 0 || Number(has) !== sequence)
    throw new Error(`${code} ${answer.headers?.description ?? ''} for sequence ${sequence} of ${stream}`);
  return deliveredOf(answer, sequence);
}

function deliveredOf(answer: Msg, sequence: number): Delivered {
  return {
    sequence,
    delivery: NOT_DELIVERED,
    timeMs: timeOf(answer.headers!.get('Nats-Time-Stamp')),
    pending: 0,
    bytes: answer.data,
    id: () => answer.headers!.get('Nats-Msg-Id'),
  };
}

/** Of `2026-01-31T12:00:00.123456789Z`, in ms since 1970; cut, not rounded, as that of a consumer is. */
export function timeOf(text: string): number {
  const parts = /^(.+?)(?:\.(\d+))?Z$/.exec(text);
  const seconds = Date.parse(`${parts?.[1]}Z`);
  if (parts === null || Number.isNaN(seconds)) throw new Error(`no time of a stream: ${text}`);
  return seconds + Number((parts[2] ?? '').slice(0, 3).padEnd(3, '0'));
}
