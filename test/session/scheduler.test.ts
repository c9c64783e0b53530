import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Scheduler, type Sender, type Visited } from '../../src/session/scheduler.ts';
import { visited } from './visited.ts';

const SMALL = 100;
const LARGE = 65_536;
const TURN_MS = 2;
/** What a visit of those who always want more takes. */
const GREEDY_MS = 1;

let nowMs = 0;
beforeEach(() => {
  nowMs = 1_000;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Visited ones that note their visits; each visit takes so long, and does what it is told. */
function visitors(costMs = 0) {
  const visits: string[] = [];
  const visitor = (name: string, then: (self: Visited) => void = () => {}): Visited => {
    const self = visited(() => {
      visits.push(name);
      nowMs += costMs;
      then(self);
    });
    return self;
  };
  return { visits, visitor };
}

/** Some that always want more, each visit of whom takes so long; `visitsOf` takes one turn and counts its visits. */
function greedy(count: number, turns: Scheduler, onVisit: () => void = () => {}) {
  let visits = 0;
  let isOver = false;
  for (let number = 0; number < count; number++) {
    const self = visited(() => {
      visits += 1;
      nowMs += GREEDY_MS;
      onVisit();
      if (!isOver) turns.wait(self, LARGE);
    });
    turns.wait(self, LARGE);
  }
  const takeTurn = async () => {
    visits = 0;
    await nextTurn();
    return visits;
  };
  const end = async () => {
    isOver = true;
    for (let turn = 0; turn < 20; turn++) await nextTurn();
  };
  return { takeTurn, end };
}

describe('turns', () => {
  test('serve input at once until the time of the turn is spent, and again in the next turn', async () => {
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    expect(turns.mayServe(LARGE)).toBe(true);
    nowMs += TURN_MS - 1;
    expect(turns.mayServe(LARGE)).toBe(true);
    nowMs += 1;
    expect(turns.mayServe(LARGE)).toBe(false);
    expect(turns.mayServe(SMALL)).toBe(false);
    await nextTurn();
    expect(turns.mayServe(LARGE)).toBe(true);
    expect(turns.mayServe(SMALL)).toBe(true);
  });

  test.each([1, SMALL, 4_096])('serve input of %i bytes only for so long, too', async bytes => {
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    const serveAll = () => {
      let servings = 0;
      for (; servings < 10_000 && turns.mayServe(bytes); servings++) nowMs += 0.01;
      return servings * 0.01;
    };
    // The clock is not read for each of them, so it may take a little longer.
    expect(serveAll()).toBeLessThan(2 * TURN_MS);
    await nextTurn();
    expect(serveAll()).toBeGreaterThanOrEqual(TURN_MS);
  });

  test('read no clock for a little input', async () => {
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    for (let input = 0; input < 50; input++) expect(turns.mayServe(SMALL)).toBe(true);
    expect(performance.now).not.toHaveBeenCalled();
  });

  test('do not count the time that passed before anything large came', async () => {
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    nowMs += 1_000_000;
    expect(turns.mayServe(LARGE)).toBe(true);
    await nextTurn();
    nowMs += 1_000_000;
    expect(turns.mayServe(LARGE)).toBe(true);
  });

  test('let nobody overtake those who wait', async () => {
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    turns.wait(visitors().visitor('alice'), LARGE);
    expect(turns.mayServe(LARGE)).toBe(false);
    expect(turns.mayServe(SMALL)).toBe(false);
    await nextTurn();
    expect(turns.mayServe(LARGE)).toBe(true);
    expect(turns.mayServe(SMALL)).toBe(true);
  });

  test('visit first who asks for little, whoever waits', async () => {
    const { visits, visitor } = visitors(TURN_MS);
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    for (const name of ['alice', 'bob', 'carol']) turns.wait(visitor(name), 3_999);
    await nextTurn();
    turns.wait(visitor('modest'), SMALL);
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    expect(visits).toEqual(['alice', 'modest', 'bob', 'carol']);
  });

  test('visit those who wait one after the other, each once, never at once', async () => {
    const { visits, visitor } = visitors();
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    const alice = visitor('alice');
    turns.wait(alice, LARGE);
    turns.wait(visitor('bob'), LARGE);
    turns.wait(alice, LARGE);
    expect(visits).toEqual([]);
    await nextTurn();
    expect(visits).toEqual(['alice', 'bob']);
    await nextTurn();
    expect(visits).toEqual(['alice', 'bob']);
  });

  test('visit one that gets in line again only in the next turn', async () => {
    const { visits, visitor } = visitors();
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    turns.wait(
      visitor('greedy', self => turns.wait(self, LARGE)),
      LARGE,
    );
    turns.wait(visitor('bob'), LARGE);
    await nextTurn();
    expect(visits).toEqual(['greedy', 'bob']);
    await nextTurn();
    await nextTurn();
    expect(visits).toEqual(['greedy', 'bob', 'greedy', 'greedy']);
  });

  test('end when their time is spent, and go on with the next one in line', async () => {
    const { visits, visitor } = visitors(TURN_MS);
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    for (const name of ['alice', 'bob', 'carol']) turns.wait(visitor(name), LARGE);
    for (const seen of [['alice'], ['alice', 'bob'], ['alice', 'bob', 'carol']]) {
      await nextTurn();
      expect(visits).toEqual(seen);
    }
  });

  test('give every one of many greedy ones the same number of visits', async () => {
    const { visits, visitor } = visitors(1);
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    let isOver = false;
    const names = ['alice', 'bob', 'carol', 'dave', 'erin'];
    for (const name of names)
      turns.wait(
        visitor(name, self => isOver || turns.wait(self, LARGE)),
        LARGE,
      );
    while (visits.length < 50) await nextTurn();
    isOver = true;
    const counts = names.map(name => visits.slice(0, 50).filter(visit => visit === name).length);
    expect(counts).toEqual([10, 10, 10, 10, 10]);
    await nextTurn();
    await nextTurn();
    await nextTurn();
  });

  test('do not visit one that has left', async () => {
    const { visits, visitor } = visitors();
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    const bob = visitor('bob');
    turns.wait(
      visitor('alice', () => turns.leave(bob)),
      LARGE,
    );
    turns.wait(bob, LARGE);
    turns.wait(visitor('carol'), LARGE);
    await nextTurn();
    await nextTurn();
    expect(visits).toEqual(['alice', 'carol']);
  });
});

/** Senders that note when they are told to send. */
function senders() {
  const sent: string[] = [];
  const sender = (name: string, then: (self: Sender) => void = () => {}): Sender => {
    const self = {
      sendKept: () => {
        sent.push(name);
        then(self);
      },
    };
    return self;
  };
  return { sent, sender };
}

describe('replies that are kept', () => {
  test('leave at the end of the turn, in the order in which they were kept, each once', async () => {
    const { sent, sender } = senders();
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    turns.sendLater(sender('alice'));
    turns.sendLater(sender('bob'));
    expect(sent).toEqual([]);
    await nextTurn();
    expect(sent).toEqual(['alice', 'bob']);
    await nextTurn();
    await nextTurn();
    expect(sent).toEqual(['alice', 'bob']);
  });

  test('leave in that turn too when they were kept during its visits', async () => {
    const { sent, sender } = senders();
    const { visits, visitor } = visitors();
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    const sentAtVisit: string[][] = [];
    for (const name of ['alice', 'bob']) {
      const asking = visitor(name, () => {
        sentAtVisit.push([...sent]);
        turns.sendLater(sender(name));
      });
      turns.wait(asking, LARGE);
    }
    turns.sendLater(sender('early'));
    await nextTurn();
    expect(visits).toEqual(['alice', 'bob']);
    // What was kept before the visits has left before them: they may take long.
    expect(sentAtVisit).toEqual([['early'], ['early']]);
    expect(sent).toEqual(['early', 'alice', 'bob']);
    await nextTurn();
    await nextTurn();
    expect(sent).toEqual(['early', 'alice', 'bob']);
  });

  test('leave in every turn of one who is served in many', async () => {
    const { sent, sender } = senders();
    const { visits, visitor } = visitors(TURN_MS);
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    let left = 5;
    const greedy = visitor('greedy', self => {
      turns.sendLater(sender(`reply ${visits.length}`));
      if (--left > 0) turns.wait(self, LARGE);
    });
    turns.wait(greedy, LARGE);
    for (let turn = 1; turn <= 5; turn++) {
      await nextTurn();
      expect(sent).toHaveLength(turn);
    }
    await nextTurn();
    expect(sent).toEqual([1, 2, 3, 4, 5].map(reply => `reply ${reply}`));
  });

  test('of one who keeps again while it sends leave later, and nobody sends twice', async () => {
    const { sent, sender } = senders();
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    let left = 3;
    turns.sendLater(
      sender('again', self => {
        if (--left > 0) turns.sendLater(self);
      }),
    );
    turns.sendLater(sender('bob'));
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    expect(sent).toEqual(['again', 'bob', 'again', 'again']);
  });

  test('make nobody wait and spend no time of the turn', async () => {
    const { sent, sender } = senders();
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    expect(turns.mayServe(LARGE)).toBe(true);
    turns.sendLater(sender('alice'));
    nowMs += TURN_MS - 1;
    expect(turns.mayServe(LARGE)).toBe(true);
    expect(sent).toEqual([]);
    await nextTurn();
    expect(sent).toEqual(['alice']);
  });

  test('do no harm when who kept them has left, to nobody', async () => {
    const { sent, sender } = senders();
    const { visits, visitor } = visitors();
    const turns = new Scheduler({ turnMsMax: TURN_MS });
    const gone = { ...visitor('gone'), ...sender('gone') };
    turns.wait(gone, LARGE);
    turns.sendLater(gone);
    turns.sendLater(sender('bob'));
    turns.leave(gone);
    await nextTurn();
    expect(visits).toEqual([]);
    // Whether it is told or not is its own matter: it has nothing to send.
    expect(sent.filter(name => name !== 'gone')).toEqual(['bob']);
  });
});

describe('the time of a turn', () => {
  test('what the event loop did since the last turn counts, but a quarter is left for visits', async () => {
    const turns = new Scheduler({ turnMsMax: 4 * GREEDY_MS });
    const { takeTurn, end } = greedy(10, turns);
    expect(await takeTurn()).toBe(4);
    nowMs += 1;
    expect(await takeTurn()).toBe(3);
    nowMs += 3;
    expect(await takeTurn()).toBe(1);
    nowMs += 500;
    expect(await takeTurn()).toBe(1);
    expect(await takeTurn()).toBe(4);
    await end();
  });

  test('replies that are still to leave count as much as sending took lately', async () => {
    const turns = new Scheduler({ turnMsMax: 1 });
    const sender = {
      sendKept: () => {
        nowMs += 0.2;
      },
    };
    const { takeTurn, end } = greedy(10, turns, () => {
      nowMs -= GREEDY_MS - 0.1;
      turns.sendLater(sender);
    });
    // Ten fit, as long as nobody knows what sending takes.
    expect(await takeTurn()).toBe(10);
    let last = 0;
    for (let turn = 0; turn < 40; turn++) last = await takeTurn();
    // A tenth to serve and two to send, each.
    expect(last).toBe(4);
    await end();
  });
});
