/** Two places for the counters. */
import type { Redis } from 'ioredis';

/** Whether the user may send one more event now. */
type MayPass = (user: string) => boolean | Promise<boolean>;

export const WAYS: Record<string, (redis: Redis, limit: number, windowMs: number) => MayPass> = {
  /** In this process. */
  memory: (_, limit, windowMs) => {
    const counts = new Map<string, number>();
    let window = 0;
    return user => {
      const current = Math.floor(Date.now() / windowMs);
      if (current !== window) counts.clear();
      window = current;
      const count = (counts.get(user) ?? 0) + 1;
      counts.set(user, count);
      return count <= limit;
    };
  },

  /** In Redis, for all instances: one counter for each user and window, which is forgotten afterwards. */
  redis: (redis, limit, windowMs) => async user => {
    const key = `count:${Math.floor(Date.now() / windowMs)}:${user}`;
    const replies = await redis.multi().incr(key).pexpire(key, windowMs).exec();
    return Number(replies![0]![1]) <= limit;
  },
};
