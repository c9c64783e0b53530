/**
 * What an executor and its timer must do, tried on those of the folder that is given: prints the names of what they do
 * not. A process of its own, because an executor that is wrong may go on for ever.
 */
import { join } from 'node:path';
import type * as Own from '../../steps/labs/02-await/executor.ts';
import type * as OwnTimer from '../../steps/labs/02-await/timer.ts';

const [folder = ''] = process.argv.slice(2);
const { Executor, wait } = (await import(join(folder, 'executor.ts'))) as typeof Own;
const { Timer } = (await import(join(folder, 'timer.ts'))) as typeof OwnTimer;

const CHECKS: Record<string, () => boolean> = {
  'a nap is not too short'() {
    const timer = new Timer();
    const tookMs = Array.from({ length: 10 }, () => {
      const startMs = performance.now();
      new Executor(timer).run(wait(timer.nap(20)));
      return performance.now() - startMs;
    });
    return Math.min(...tookMs) >= 20;
  },
  'while all tasks nap, the thread sleeps'() {
    const timer = new Timer();
    let looks = 0;
    const driver: Own.Driver = {
      turn(mayWait) {
        looks += 1;
        timer.turn(mayWait);
      },
    };
    new Executor(driver).run(wait(timer.nap(200)));
    return looks < 10;
  },
  'naps at a time end in their order, and take as long as the longest'() {
    // One after another they take 600 ms, each time; on a busy machine one try may be late, too.
    const tries = Array.from({ length: 3 }, () => {
      const timer = new Timer();
      const executor = new Executor(timer);
      const ended: number[] = [];
      const startMs = performance.now();
      executor.run(
        (function* main() {
          const futures = [300, 100, 200].map(ms =>
            executor.spawn(
              (function* napper() {
                yield* wait(timer.nap(ms));
                ended.push(ms);
              })(),
            ),
          );
          for (const future of futures) yield* wait(future);
        })(),
      );
      return { order: ended.join(), tookMs: performance.now() - startMs };
    });
    return tries.every(({ order }) => order === '100,200,300') && tries.some(({ tookMs }) => tookMs < 500);
  },
  'a task that is always ready does not keep a timer from others'() {
    const timer = new Timer();
    const executor = new Executor(timer);
    let isOver = false;
    let turns = 0;
    const nextTurn = (): Own.Future<void> => {
      let isAsked = false;
      return {
        poll(wake) {
          if (isAsked) return () => {};
          isAsked = true;
          wake();
          return undefined;
        },
      };
    };
    executor.run(
      (function* main() {
        const busy = executor.spawn(
          (function* () {
            for (; !isOver; turns += 1) yield* wait(nextTurn());
          })(),
        );
        yield* wait(timer.nap(20));
        isOver = true;
        yield* wait(busy);
      })(),
    );
    return turns > 0;
  },
  'a task that was woken twice has one turn'() {
    const timer = new Timer();
    const executor = new Executor(timer);
    let polls = 0;
    const twice: Own.Future<void> = {
      poll(wake) {
        polls += 1;
        if (polls > 1) return undefined;
        wake();
        wake();
        return undefined;
      },
    };
    executor.run(
      (function* main() {
        executor.spawn(wait(twice));
        yield* wait(timer.nap(20));
      })(),
    );
    return polls === 2;
  },
  'an error goes to who waits, and can be caught there'() {
    const timer = new Timer();
    const executor = new Executor(timer);
    return executor.run(
      (function* main() {
        const failing = executor.spawn(
          (function* () {
            yield* wait(timer.nap(1));
            throw new Error('no');
          })(),
        );
        try {
          yield* wait(failing);
          return false;
        } catch (error) {
          return (error as Error).message === 'no';
        }
      })(),
    );
  },
  'all who wait for a task are woken, however late they ask'() {
    const timer = new Timer();
    const executor = new Executor(timer);
    return executor.run(
      (function* main() {
        const task = executor.spawn(wait(timer.nap(10)));
        const others = [0, 0, 30].map(ms =>
          executor.spawn(
            (function* () {
              yield* wait(timer.nap(ms));
              yield* wait(task);
            })(),
          ),
        );
        for (const other of others) yield* wait(other);
        return true;
      })(),
    );
  },
  'where nothing will wake anybody, it says so'() {
    try {
      new Executor(new Timer()).run(wait({ poll: () => undefined }));
      return false;
    } catch (error) {
      return /nothing will wake/.test((error as Error).message);
    }
  },
};

for (const [name, check] of Object.entries(CHECKS)) {
  // Before it runs, too: one that never returns has been named.
  process.stdout.write(`${name}: `);
  let isRight = false;
  try {
    isRight = check();
  } catch {
    // Not what was to be done.
  }
  process.stdout.write(isRight ? 'right\n' : 'wrong\n');
}
