/**
 * The money: compares every user's balance on the server with the accepted events. A load run with wrong money has
 * failed, however fast it was.
 *
 * Balances are read before and after the load, so the server need not be empty at the start. Accepted events may not
 * be applied yet: balances are read again until they are right, or stop changing.
 *
 * A balance is right within bounds if lines were not answered; with ids every line is, and it is right to the last
 * unit. The sum of all balances is looked at, too: a transfer of which half is done may be within the bounds of each.
 */
import { count } from '../../cli/terminal/numbers.ts';
import { quoteIfNeeded } from '../../cli/terminal/quoting.ts';
import { Client, HungUp, TooLate } from '../harness/client.ts';
import { NO_CREDENTIALS } from '../harness/credentials.ts';
import { Kind, movesMoney } from './kinds.ts';
import type { LoadPlan } from './plan.ts';
import { encodersFor, replyJudgeFor } from './protocols.ts';
import type { Money } from './result.ts';
import { NO_USER, type Script } from './script.ts';

/** By user: what was accepted, and within which bounds lines without an answer may have moved the balance. */
export interface Expected {
  /** Users whose money the script moves. */
  users: number[];
  amount: Float64Array;
  unknownUp: Float64Array;
  unknownDown: Float64Array;
  /** The same of the sum of all balances: transfers that were not answered can't have moved it. */
  unknownSumUp: number;
  unknownSumDown: number;
  /** The largest amount of an event of the user. */
  largest: Float64Array;
  /** All events of the user have that amount. */
  isUniform: Uint8Array;
  /** Whether the script has buys, and sells, of the user: bits 1 and 2. */
  directions: Uint8Array;
  acceptedEvents: number;
  acceptedAmount: number;
  transfers: number;
  unknownEvents: number;
}

/** From how often each line was accepted, and sent without an answer: differences between neighbours, by thread. */
export function expectedFrom(
  script: Script,
  userCount: number,
  accepted: readonly Int32Array[],
  unanswered: readonly Int32Array[],
): Expected {
  const expected: Expected = {
    users: [],
    amount: new Float64Array(userCount),
    unknownUp: new Float64Array(userCount),
    unknownDown: new Float64Array(userCount),
    unknownSumUp: 0,
    unknownSumDown: 0,
    largest: new Float64Array(userCount),
    isUniform: new Uint8Array(userCount).fill(1),
    directions: new Uint8Array(userCount),
    acceptedEvents: 0,
    acceptedAmount: 0,
    transfers: 0,
    unknownEvents: 0,
  };
  const seen = new Uint8Array(userCount);
  const move = (user: number, amount: number, times: number, unknownTimes: number) => {
    if (seen[user] === 0) expected.users.push(user);
    seen[user] = 1;
    expected.directions[user]! |= amount > 0 ? 1 : 2;
    const largest = expected.largest[user]!;
    if (largest !== 0 && largest !== Math.abs(amount)) expected.isUniform[user] = 0;
    expected.largest[user] = Math.max(largest, Math.abs(amount));
    expected.amount[user]! += times * amount;
    if (amount > 0) expected.unknownUp[user]! += unknownTimes * amount;
    else expected.unknownDown[user]! -= unknownTimes * amount;
  };
  let times = 0;
  let unknownTimes = 0;
  for (let line = 0; line < script.lines; line++) {
    for (const differences of accepted) times += differences[line]!;
    for (const differences of unanswered) unknownTimes += differences[line]!;
    const user = script.users[line]!;
    const kind = script.kinds[line]!;
    if (user === NO_USER || !movesMoney(kind)) continue;
    const amount = script.amounts[line]!;
    move(user, amount, times, unknownTimes);
    expected.acceptedEvents += times;
    expected.acceptedAmount += times * Math.abs(amount);
    expected.unknownEvents += unknownTimes;
    if (kind === Kind.transfer) {
      move(script.others[line]!, -amount, times, unknownTimes);
      expected.transfers += times;
    } else if (amount > 0) expected.unknownSumUp += unknownTimes * amount;
    else expected.unknownSumDown -= unknownTimes * amount;
  }
  return expected;
}

/** Balances unchanged for this long count as final. */
const STILL_MS = 1_500;
/** Balances that change for longer are changed by other clients. */
const MOVING_MS_MAX = 60_000;
const AGAIN_MS = 100;
const WRONG_USERS_SHOWN = 10;

/** Reads the balances until they are right, or have stopped moving. `before` is what they were at the start. */
export async function checkMoney(
  plan: LoadPlan,
  names: readonly string[],
  expected: Expected,
  before: Float64Array,
  credentials = NO_CREDENTIALS,
): Promise<Money> {
  const { users } = expected;
  let balances = await readBalances(plan, names, users, credentials);
  const startMs = performance.now();
  let stillSinceMs = startMs;
  if (!isOff(expected, before, balances)) {
    // Right at this moment; something may still be applied once more.
    await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
    balances = await readBalances(plan, names, users, credentials);
  }
  while (isOff(expected, before, balances) && performance.now() - stillSinceMs < STILL_MS) {
    if (performance.now() - startMs > MOVING_MS_MAX)
      throw new Error(
        `the balances are wrong and were still moving after ${MOVING_MS_MAX / 1_000} s; does another client use these users? (--user-prefix)`,
      );
    await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
    const again = await readBalances(plan, names, users, credentials);
    if (again.some((balance, index) => balance !== balances[index])) stillSinceMs = performance.now();
    balances = again;
  }
  refuseOverflow(expected, before);
  return compare(names, expected, before, balances);
}

/** Near the ends of their range, balances can't tell what was lost: a server may drop what would leave it. */
function refuseOverflow(expected: Expected, before: Float64Array): void {
  const over = expected.users.filter((user, index) => {
    const high = before[index]! + expected.amount[user]! + expected.unknownUp[user]!;
    const low = before[index]! + expected.amount[user]! - expected.unknownDown[user]!;
    return high > Number.MAX_SAFE_INTEGER || low < Number.MIN_SAFE_INTEGER;
  });
  if (over.length === 0) return;
  throw new Error(
    `the money can't be checked: ${count(over.length)} of ${count(expected.users.length)} balances would be beyond ±(2^53−1); use a smaller --amount`,
  );
}

/** How far a user's balance is from what it may be: negative, too little; positive, too much. */
function offBy(expected: Expected, before: Float64Array, balances: Float64Array, index: number): number {
  const user = expected.users[index]!;
  const change = balances[index]! - before[index]!;
  const low = expected.amount[user]! - expected.unknownDown[user]!;
  const high = expected.amount[user]! + expected.unknownUp[user]!;
  if (change < low || change > high) return change < low ? change - low : change - high;
  // A fraction of an event is a wrong balance.
  return expected.isUniform[user] === 1 ? (change - low) % expected.largest[user]! : 0;
}

/** How far the sum of all balances is from what it may be. Differences are added, so that the sum stays exact. */
function sumOffBy(expected: Expected, before: Float64Array, balances: Float64Array): number {
  const off = expected.users.reduce(
    (sum, user, index) => sum + (balances[index]! - before[index]! - expected.amount[user]!),
    0,
  );
  return off < 0 ? Math.min(0, off + expected.unknownSumDown) : Math.max(0, off - expected.unknownSumUp);
}

function isOff(expected: Expected, before: Float64Array, balances: Float64Array): boolean {
  return (
    sumOffBy(expected, before, balances) !== 0 ||
    expected.users.some((_, index) => offBy(expected, before, balances, index) !== 0)
  );
}

function compare(
  names: readonly string[],
  expected: Expected,
  before: Float64Array,
  balances: Float64Array,
): Money {
  const off = sumOffBy(expected, before, balances);
  const money: Money = {
    balanced: off === 0,
    users: expected.users.length,
    acceptedEvents: expected.acceptedEvents,
    acceptedAmount: expected.acceptedAmount,
    transfers: expected.transfers,
    sumOffBy: off,
    lostEvents: 0,
    lostAmount: 0,
    surplusEvents: 0,
    surplusAmount: 0,
    unknownEvents: expected.unknownEvents,
    wrongUsers: [],
  };
  for (let index = 0; index < expected.users.length; index++) {
    const off = offBy(expected, before, balances, index);
    if (off === 0) continue;
    const user = expected.users[index]!;
    const amount = Math.abs(off);
    // Where the user's events have one amount, this is their number; otherwise there are no fewer.
    const events = Math.ceil(amount / expected.largest[user]!);
    // Too little is a buy lost, or a sell applied twice; of a user who does both, losing is what servers do.
    const isLost = off < 0 ? expected.directions[user] !== 2 : expected.directions[user] === 2;
    if (isLost) {
      money.lostEvents += events;
      money.lostAmount += amount;
    } else {
      money.surplusEvents += events;
      money.surplusAmount += amount;
    }
    money.balanced = false;
    if (money.wrongUsers.length < WRONG_USERS_SHOWN)
      money.wrongUsers.push({
        user: names[user]!,
        expected: before[index]! + expected.amount[user]!,
        actual: balances[index]!,
      });
  }
  return money;
}

const events = (number: number) => `${count(number)} event${number === 1 ? '' : 's'}`;

/** In one line, as it is printed. */
export function moneyLine(money: Money): string {
  const { acceptedEvents, acceptedAmount, transfers, sumOffBy, unknownEvents } = money;
  const unknown = unknownEvents > 0 ? `; ${events(unknownEvents)} unknown (sent, not answered)` : '';
  if (money.balanced) {
    const some = transfers > 0 ? ` (${count(transfers)} transfers; the sum is right)` : '';
    return `balanced: ${events(acceptedEvents)}${some} of ${count(money.users)} users, ${count(acceptedAmount)} in all${unknown}`;
  }
  const parts: string[] = [];
  if (money.lostEvents > 0)
    parts.push(`lost ${events(money.lostEvents)}, ${count(money.lostAmount)} of ${count(acceptedAmount)}`);
  if (money.surplusEvents > 0)
    parts.push(
      `applied ${events(money.surplusEvents)} too many, ${count(money.surplusAmount)} more than ${count(acceptedAmount)}`,
    );
  if (sumOffBy !== 0 && (transfers > 0 || parts.length === 0))
    parts.push(
      `the sum of all balances is ${count(Math.abs(sumOffBy))} too ${sumOffBy < 0 ? 'low' : 'high'}`,
    );
  return `${parts.join('; ')}${unknown}`;
}

const REQUESTS_AT_ONCE = 1_000;
/** No balance takes more. */
const BALANCE_CHARACTERS_MAX = 1_024;
const SHOWN_CHARACTERS = 120;

/** The balances of these users (numbers in `names`), in that order, through a connection of their own. */
export async function readBalances(
  plan: LoadPlan,
  names: readonly string[],
  users: readonly number[],
  credentials = NO_CREDENTIALS,
): Promise<Float64Array> {
  const { host, port, protocol, graceMs } = plan;
  const encoders = encodersFor(protocol);
  const balances = new Float64Array(users.length);
  let answered = 0;
  let client: Client | undefined;
  try {
    const manners = { lineCharactersMax: BALANCE_CHARACTERS_MAX };
    client = await Client.reach({ host, port }, credentials, graceMs, manners);
    while (answered < users.length) {
      const some = users.slice(answered, answered + REQUESTS_AT_ONCE);
      client.send(some.map(user => `${encoders.balance(names[user]!)}\n`).join(''));
      for (const _ of some) balances[answered++] = await nextBalance(client, plan);
    }
    if (client.received !== '')
      throw new Error(`the server sent ${quoteIfNeeded(client.received, SHOWN_CHARACTERS)}`);
    return balances;
  } catch (error) {
    const of = `${count(answered)} of ${count(users.length)}`;
    throw new Error(`the balances could not be read: ${whyUnread(error as Error, client, of, graceMs)}`);
  } finally {
    client?.close();
  }
}

async function nextBalance(client: Client, { protocol, graceMs }: LoadPlan): Promise<number> {
  const judge = replyJudgeFor(protocol);
  for (;;) {
    const line = await client.line(graceMs);
    const balance = judge.balanceOf(line);
    if (balance === undefined) throw new Error(`the server sent ${quoteIfNeeded(line, SHOWN_CHARACTERS)}`);
    if (balance !== 'next line') return balance;
  }
}

function whyUnread(error: Error, client: Client | undefined, of: string, graceMs: number): string {
  if (error instanceof TooLate) return `no reply within ${graceMs / 1_000} s (--grace) after ${of}`;
  if (!(error instanceof HungUp)) return error.message;
  const { received = '' } = client ?? {};
  if (received.length > BALANCE_CHARACTERS_MAX)
    return `the server sent ${quoteIfNeeded(received, SHOWN_CHARACTERS)}…`;
  return error.cause instanceof Error ? error.cause.message : `the server closed the connection after ${of}`;
}
