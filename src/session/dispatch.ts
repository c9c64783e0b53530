/**
 * What is answered to a line, once it was judged. What is known at once becomes one of the visit's replies; a reply that
 * waits for a worker keeps its place in the client's outbox.
 */

import { debugLine, healthReply, metricsLine } from '../commands/requests.ts';
import { balanceLine, Reply } from '../protocol/replies.ts';
import { Kind } from '../protocol/request.ts';
import type { Outbox } from './reply-queue.ts';
import type { Service } from './service.ts';

/** Answers the line from `at` up to `next`, just judged; false if there is no room in the ring of its user. */
export function answer(
  service: Service,
  outbox: Outbox,
  kind: Kind,
  at: number,
  next: number,
  isServed: boolean,
): boolean {
  const { desk, judgement, replies, engine, config, metricsDetail, phase } = service;
  if (kind !== Kind.metricsDetail) metricsDetail.forget();
  switch (kind) {
    case Kind.event:
      if (!isServed) {
        engine.refuse();
        replies.add(Reply.shuttingDown);
      } else if (judgement.isWaiting) {
        submitWaiting(service, outbox);
      } else {
        replies.add(engine.submit(judgement.nameAt, judgement.nameBytes, judgement.hash, judgement.amount));
      }
      return true;
    case Kind.balance:
      return readBalance(service, outbox);
    case Kind.metrics:
      replies.addLine(metricsLine(engine));
      return true;
    case Kind.metricsDetail:
      replies.addLine(metricsDetail.line());
      return true;
    case Kind.health:
      replies.add(healthReply(engine, phase !== 'serving'));
      return true;
    case Kind.debug:
      if (config.debugRequests) replies.addLine(debugLine(engine, desk.bytes.toString('utf8', at, next)));
      else refuse(service, Reply.unknownType);
      return true;
    case Kind.invalidJson:
      refuse(service, Reply.invalidJson);
      return true;
    case Kind.invalidEvent:
      refuse(service, Reply.invalidEvent);
      return true;
    case Kind.unknownType:
      refuse(service, Reply.unknownType);
      return true;
  }
}

/** Answers a line that is none of those that the server takes. */
export function refuse({ clients, replies }: Service, reply: Reply): void {
  clients.invalid += 1;
  replies.add(reply);
}

function submitWaiting({ judgement, replies, engine }: Service, outbox: Outbox): void {
  const { nameAt, nameBytes, hash, amount } = judgement;
  const outcome = engine.submitAsking(nameAt, nameBytes, hash, amount, outbox.hold(replies.take()));
  if (outcome === Reply.accepted) return;
  outbox.unhold();
  replies.add(outcome);
}

function readBalance({ judgement, replies, engine }: Service, outbox: Outbox): boolean {
  const { nameAt, nameBytes, hash } = judgement;
  const balance = engine.readBalance(nameAt, nameBytes, hash);
  if (balance !== undefined) {
    replies.addLine(balanceLine(balance));
    return true;
  }
  if (engine.askBalance(nameAt, nameBytes, hash, outbox.hold(replies.take()))) return true;
  outbox.unhold();
  return false;
}
