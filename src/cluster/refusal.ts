/** Why a node can't start or go on, in one line for people; and which errors of NATS pass by themselves. */
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

/** One line: what is wrong, and what to do. */
export class Refusal extends Error {}

/** Of JetStream's answers, those that are met here. */
const Code = {
  insufficientResources: 10023,
  accountResources: 10002,
  storageExceeded: 10047,
  memoryExceeded: 10028,
  noPeers: 10005,
  streamsMax: 10026,
  accountStreamsMax: 10027,
  unavailable: 10008,
  notLeader: 10009,
  noRequirements: 10035,
  disabledForAccount: 10039,
  maxBytesRequired: 10113,
  replicasAlone: 10074,
  notEnabled: 10076,
  streamNotFound: 10059,
  nameInUse: 10058,
  wrongSequence: 10071,
  wrongSequenceUnknown: 10164,
  overlap: 10065,
} as const;

export function codeOf(error: unknown): number | undefined {
  if (error instanceof JetStreamApiError) return error.code;
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof JetStreamApiError ? cause.code : undefined;
}

/** Nobody answers requests of this kind: JetStream is off, or a stream has no leader now. */
export function isNobodyThere(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof errors.NoRespondersError || (at instanceof errors.RequestError && at.isNoResponders()))
      return true;
  return false;
}

/** Somebody else was quicker: a key, or a stream, is not as it was expected to be. */
export function isOutrun(error: unknown): boolean {
  const code = codeOf(error);
  return code === Code.wrongSequence || code === Code.wrongSequenceUnknown;
}

export function isNoStream(error: unknown): boolean {
  return codeOf(error) === Code.streamNotFound;
}

export function isNameInUse(error: unknown): boolean {
  return codeOf(error) === Code.nameInUse;
}

/** Whether the same may succeed a moment later, with nothing done by people. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return code === Code.unavailable || code === Code.notLeader;
  return error instanceof errors.TimeoutError || isNobodyThere(error) || isDisconnected(error);
}

function isDisconnected(error: unknown): boolean {
  return error instanceof errors.RequestError || error instanceof errors.ConnectionError;
}

/** What the error means for who wanted `what` ("make the stream TALLY_P0"), with so many replicas. */
export function refusalOf(error: unknown, what: string, replicas: number): Refusal {
  if (error instanceof Refusal) return error;
  const reason = lineOf(error, replicas);
  return new Refusal(`can't ${what}: ${reason}`, { cause: error });
}

function lineOf(error: unknown, replicas: number): string {
  switch (codeOf(error)) {
    case Code.replicasAlone:
      return `${replicas} replicas were asked for, and this nats-server is no cluster; connect it with ${replicas - 1} more, or give --cluster-replicas 1`;
    case Code.noPeers:
      return `${replicas} replicas were asked for, and NATS has fewer servers with JetStream and room that it can reach; start more of them, or give fewer --cluster-replicas`;
    case Code.insufficientResources:
    case Code.accountResources:
    case Code.storageExceeded:
    case Code.memoryExceeded:
      return `JetStream has no room for it (${messageOf(error)}); raise max_file_store of the nats-servers, or the limits of the account`;
    case Code.streamsMax:
    case Code.accountStreamsMax:
      return `the account may have no more streams (${messageOf(error)}); raise its limit`;
    case Code.maxBytesRequired:
      return `the account wants a limit of bytes for each stream (${messageOf(error)}), which would lose blocks; lift that rule`;
    case Code.notEnabled:
    case Code.disabledForAccount:
    case Code.noRequirements:
      return JETSTREAM_OFF_FOR_ACCOUNT;
    case Code.overlap:
      return `another stream stores the same subjects (${messageOf(error)}); give another --cluster-name, or delete that stream`;
    default:
      if (isNobodyThere(error)) return JETSTREAM_OFF;
      if (error instanceof errors.PermissionViolationError)
        return `NATS does not permit it (${messageOf(error)}); let this user publish and subscribe to it`;
      if (error instanceof errors.TimeoutError)
        return 'NATS did not answer in time; its servers may have no leader (nats server report jetstream)';
      return messageOf(error);
  }
}

export const JETSTREAM_OFF =
  'JetStream is not enabled on the nats-server, or has no leader; start it with -js, or with jetstream { store_dir: … } in its configuration';
const JETSTREAM_OFF_FOR_ACCOUNT =
  'JetStream is not enabled for this account; add jetstream: enabled to it in the configuration of nats-server';

export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').trim();
}
