/** A message as a consumer of JetStream delivers it: where it is in its stream is in its reply subject. */
import type { Msg } from '@nats-io/transport-node';

export interface Delivered {
  /** In the stream. */
  readonly sequence: number;
  /** Of this consumer, from 1, without gaps. */
  readonly delivery: number;
  /** The stream's time, ms since 1970. */
  readonly timeMs: number;
  /** How many were behind it in the stream when it was sent. */
  readonly pending: number;
  /** A view on what the socket has read: to be copied. */
  readonly bytes: Uint8Array;
  /** Of its `Nats-Msg-Id`; empty if it has none. Parses the headers. */
  id(): string;
}

/** It came without a consumer. */
export const NOT_DELIVERED = 0;

const PREFIX = '$JS.ACK.';
/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<delivery>.<time>.<pending>` */
const SHORT = 9;
/** With `<domain>.<account>` behind `ACK`, and possibly something at the end. */
const LONG = 11;
const NANOSECOND_DIGITS = 6;

/** Undefined: it is not a message of a stream. */
export function deliveredOf(message: Msg): Delivered | undefined {
  const reply = message.reply ?? '';
  if (!reply.startsWith(PREFIX)) return undefined;
  const parts = reply.split('.');
  const from = parts.length === SHORT ? SHORT - 4 : LONG - 4;
  const [sequence, delivery, nanoseconds, pending] = parts.slice(from) as [string, string, string, string];
  return {
    sequence: Number(sequence),
    delivery: Number(delivery),
    // Cut, not rounded: every node must see the same.
    timeMs: Number(nanoseconds.slice(0, -NANOSECOND_DIGITS)),
    pending: Number(pending),
    bytes: message.data,
    id: () => message.headers?.get('Nats-Msg-Id') ?? '',
  };
}
