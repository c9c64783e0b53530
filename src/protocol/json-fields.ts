/**
 * The fields, actions and types that a line can have.
 */
import { Kind } from './request.ts';

const NAMES = [
  'user',
  'action',
  'amount',
  'wait',
  'type',
  'detail',
  'id',
  'min',
  'from',
  'to',
  'fresh',
] as const;
export const Field = {
  user: 0,
  action: 1,
  amount: 2,
  wait: 3,
  type: 4,
  detail: 5,
  id: 6,
  min: 7,
  from: 8,
  to: 9,
  fresh: 10,
} as const;
export type Field = (typeof Field)[keyof typeof Field];
export const FIELD_NAMES = NAMES.map(name => Buffer.from(name));
export const ACTIONS = ['buy', 'sell'].map(name => Buffer.from(name));
const TYPE_KINDS = {
  balance: Kind.balance,
  metrics: Kind.metrics,
  health: Kind.health,
  debug: Kind.debug,
  transfer: Kind.transfer,
  auth: Kind.auth,
  admin: Kind.admin,
};
export const TYPES = Object.keys(TYPE_KINDS).map(name => Buffer.from(name));
export const KINDS = Object.values(TYPE_KINDS);
