/** What came of a race, in a sentence or two with its figures. Pure: whatever the load was, it says what is so. */
import { count, ms } from '../../src/cli/terminal/numbers.ts';
import type { LaneResult } from './figures.ts';
import type { Lens, Matchup } from './matchup.ts';
import { labelOf } from './racer.ts';

/** Below this, a difference is none to speak of. */
const RATIO_MIN = 1.15;
/** Who waits so much longer, and so long, was made to wait. */
const WAIT_RATIO_MIN = 5;
const WAIT_MS_MIN = 10;

export interface Verdict {
  text: string;
  /** The pain of the earlier one is to be seen, and the later one does not have it. */
  shows: boolean;
}

/** The one without the pain is told of first. */
export function verdictOf(matchup: Matchup, lanes: readonly [LaneResult, LaneResult]): Verdict {
  const isFirstEarlier = lanes[0].subject === matchup.pain;
  const [earlier, later] = isFirstEarlier ? lanes : [lanes[1], lanes[0]];
  const verdict = BY_LENS[matchup.lens](earlier, later, matchup);
  const extra = matchup.lens === 'money' ? [] : [earlier, later].filter(hasWrongMoney);
  const lost = extra.map(lane => ` Beside that, ${labelOf(lane.subject)} ${moneyText(lane)}.`).join('');
  const hint = verdict.shows ? '' : ' At this load what sets the two apart does not show.';
  return { ...verdict, text: `${capital(verdict.text)}${lost}${hint}` };
}

type Judge = (earlier: LaneResult, later: LaneResult, matchup: Matchup) => Verdict;

const BY_LENS: Record<Lens, Judge> = {
  health: (earlier, later) => {
    const [slow, fast] = [healthMs(earlier), healthMs(later)];
    const isMade = Number.isFinite(fast) && slow >= WAIT_MS_MIN && slow >= WAIT_RATIO_MIN * fast;
    const waiting = isMade && Number.isFinite(slow) ? `made health wait ${ms(slow)} ms` : healthText(earlier);
    return {
      text: `${name(later)} ${refusedText(later)} and ${healthText(later)}; ${name(earlier)} ${refusedText(earlier)} and ${waiting}.`,
      shows: isMade,
    };
  },
  refused: (earlier, later) => ({
    text: `${name(later)} ${refusedText(later)}; ${name(earlier)} ${refusedText(earlier)} at the same rate.`,
    shows: earlier.refusedPercent > 1 && later.refusedPercent < earlier.refusedPercent / 2,
  }),
  money: (earlier, later) => ({
    text: `${name(later)} ${moneyText(later)}; ${name(earlier)} ${moneyText(earlier)}.`,
    shows: hasWrongMoney(earlier) && !hasWrongMoney(later),
  }),
  done: (earlier, later) => {
    const isLaterFaster = later.donePerS >= earlier.donePerS;
    const [fast, slow] = isLaterFaster ? [later, earlier] : [earlier, later];
    const ratio = slow.donePerS > 0 ? fast.donePerS / slow.donePerS : Number.POSITIVE_INFINITY;
    const isClear = ratio >= RATIO_MIN;
    const times = isClear ? `${timesText(ratio)} as many as` : 'about as many as';
    const refusals = [fast, slow]
      .filter(lane => lane.refused > 0)
      .map(lane => `${name(lane)} ${refusedText(lane)}`);
    return {
      text: `${name(fast)} got ${count(fast.donePerS)} events a second done, ${times} ${name(slow)} with ${count(slow.donePerS)}${refusals.length > 0 ? `; ${refusals.join(', ')}` : ''}.`,
      shows: isClear && isLaterFaster,
    };
  },
  witness: (earlier, later, matchup) => ({
    text: `${name(later)} ${seenText(later, matchup)}; ${name(earlier)} ${seenText(earlier, matchup)}.`,
    shows: isSeenInOne(earlier, later),
  }),
  price: (earlier, later, matchup) => {
    const told = (lane: LaneResult) =>
      `${name(lane)} got ${count(lane.donePerS)} events a second done and ${seenText(lane, matchup)}`;
    return { text: `${told(later)}; ${told(earlier)}.`, shows: isSeenInOne(earlier, later) };
  },
};

function refusedText({ sent, taken, refused, refusedPercent }: LaneResult): string {
  if (refused > 0) return `refused ${percent(refusedPercent)}`;
  return taken < sent ? 'refused none' : 'took all';
}

/** As a part of a sentence: what became of the money. */
function moneyText({ money }: LaneResult): string {
  if (money === undefined) return 'was not asked for its money';
  const { acceptedEvents, acceptedAmount, lostEvents, lostAmount, surplusAmount } = money;
  if (lostAmount > 0)
    return `lost ${count(lostEvents)} of the ${count(acceptedEvents)} events it had taken (${count(lostAmount)} of ${count(acceptedAmount)})`;
  if (surplusAmount > 0) return `has ${count(surplusAmount)} more than it had taken`;
  return 'lost nothing';
}

/** What a witness saw, of a pain that no load shows. */
function seenText({ witness }: LaneResult, { tells }: Matchup): string {
  return witness === undefined ? 'was not asked' : tells!.text(witness);
}

function isSeenInOne(earlier: LaneResult, later: LaneResult): boolean {
  return earlier.witness?.isPresent === true && later.witness?.isPresent === false;
}

export function percent(value: number): string {
  return value < 1 ? `${Number(value.toPrecision(1))} %` : `${value.toFixed(0)} %`;
}

function hasWrongMoney({ money }: LaneResult): boolean {
  return money !== undefined && money.lostAmount + money.surplusAmount > 0;
}

function healthMs({ health }: LaneResult): number {
  return health?.p99Ms ?? Number.POSITIVE_INFINITY;
}

function healthText({ health }: LaneResult): string {
  return health === undefined ? 'did not answer health' : `answered health in ${ms(health.p99Ms)} ms`;
}

function timesText(ratio: number): string {
  return `${ratio >= 10 ? count(ratio) : ratio.toFixed(1)} times`;
}

const name = ({ subject }: LaneResult) => labelOf(subject);

function capital(text: string): string {
  return text.startsWith('src') ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
