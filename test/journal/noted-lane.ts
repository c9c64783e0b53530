/** A lane that notes what is pushed, rich slots too, as clients would know it. */
import { ExtraKind } from '../../src/engine/extra.ts';
import { Lane } from '../../src/engine/lane.ts';
import type { Position } from '../../src/engine/position.ts';
import { type ParsedRequest, Wants } from '../../src/protocol/request.ts';
import type { Pushed } from './told.ts';
import { idWith } from './traffic.ts';

const KINDS = {
  [ExtraKind.event]: undefined,
  [ExtraKind.transfer]: 'transfer',
  [ExtraKind.debit]: 'debit',
  [ExtraKind.credit]: 'credit',
  [ExtraKind.refund]: 'refund',
} as const;

export class NotedLane extends Lane {
  pushed: Pushed[] = [];
  nameOf: (user: number) => string = () => '';
  /** The names of a transfer that is being pushed, whose users may be new. */
  nextNames: [from: string, to: string] | undefined;

  override tryAskRich(
    position: Position,
    user: number,
    event: Pick<ParsedRequest, 'amount' | 'id' | 'wants' | 'min'>,
    kind: ExtraKind = ExtraKind.event,
    other = 0,
    number = 0,
  ): boolean {
    if (!super.tryAskRich(position, user, event, kind, other, number)) return false;
    const [from, to] = this.nextNames ?? [this.nameOf(user), this.nameOf(other)];
    const pushed: Pushed = { user: from, amount: event.amount };
    if ((event.wants & Wants.id) !== 0) pushed.id = idWith(event.id);
    if ((event.wants & Wants.min) !== 0) pushed.min = event.min;
    const how = KINDS[kind];
    if (how !== undefined) pushed.kind = how;
    if (how === 'transfer' || how === 'debit') pushed.other = to;
    if (number > 0) pushed.number = number;
    this.pushed.push(pushed);
    return true;
  }

  override pushFirst(user: number): void {
    super.pushFirst(user);
    this.pushed.push({ user: this.nextNames![1], amount: 0 });
  }
}
