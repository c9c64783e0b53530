/** Three ways to keep a limit. None of them asks this machine what time it is: Redis has the clock for all. */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

/** Whether the user may send one more event now. */
type MayPass = (user: string) => boolean | Promise<boolean>;

const NOW = "local t = redis.call('TIME') local nowMs = t[1] * 1000 + t[2] / 1000";

/** Tokens, which come in evenly. Takes ARGV[3] if there are ARGV[4] or more, and returns how many are left. */
const BUCKET = `${NOW}
  local limit, windowMs, least = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
  local tokens, atMs = unpack(redis.call('HMGET', KEYS[1], 'tokens', 'atMs'))
  local came = math.max(0, nowMs - (atMs or nowMs)) * limit / windowMs
  tokens = math.min(limit, (tokens or limit) + came)
  if tokens < least then return false end
  redis.call('HSET', KEYS[1], 'tokens', tokens - ARGV[3], 'atMs', nowMs)
  redis.call('PEXPIRE', KEYS[1], 2 * windowMs)
  return math.floor(tokens - ARGV[3])`;

/** The times of the last events, the newest first: the one that is `limit` events back must be out of the window. */
const SLIDING = `${NOW}
  local limit, windowMs = tonumber(ARGV[1]), tonumber(ARGV[2])
  local backMs = redis.call('LINDEX', KEYS[1], limit - 1)
  if backMs and nowMs - backMs < windowMs then return false end
  redis.call('LPUSH', KEYS[1], nowMs)
  redis.call('LTRIM', KEYS[1], 0, limit - 1)
  return redis.call('PEXPIRE', KEYS[1], windowMs)`;

/** How many instances have called in the last two seconds. */
const INSTANCES = `${NOW}
  redis.call('ZADD', KEYS[1], nowMs, ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', nowMs - 2000)
  return redis.call('ZCARD', KEYS[1])`;

const RECONCILE_MS = 50;
/** What this instance may spend of a user's tokens; `untold` is spent, and Redis does not know. */
type Share = { tokens: number; untold: number; heardMs: number; hearing?: Promise<void> };

export const WAYS: Record<string, (redis: Redis, limit: number, windowMs: number) => MayPass> = {
  /** Exact, token bucket. Redis runs one script at a time, so nobody comes between its look and its write. */
  bucket: (redis, limit, windowMs) => async user =>
    (await redis.eval(BUCKET, 1, `bucket:${user}`, limit, windowMs, 1, 1)) !== null,

  /** Exact, sliding window. */
  sliding: (redis, limit, windowMs) => async user =>
    (await redis.eval(SLIDING, 1, `events:${user}`, limit, windowMs)) !== null,

  /** Approximate: spends its share of the bucket out of memory, tells Redis later, and hears what is left for all. */
  share: (patient, limit, windowMs) => {
    const redis = patient.duplicate({ commandTimeout: RECONCILE_MS });
    const id = randomUUID();
    const shares = new Map<string, Share>();
    let instances = Infinity;
    const count = async (): Promise<void> => {
      instances = Number(await redis.eval(INSTANCES, 1, 'instances', id).catch(() => instances));
      // A new instance does not know its part: it needs Redis once.
      if (instances === Infinity) await count();
    };
    const counted = count();
    const reconcile = async (user: string, share: Share) => {
      const [told, nowMs] = [share.untold, performance.now()];
      const came = ((nowMs - share.heardMs) * limit) / windowMs / instances;
      Object.assign(share, { untold: 0, heardMs: nowMs });
      const asked = redis.eval(BUCKET, 1, `bucket:${user}`, limit, windowMs, told, -Infinity);
      const left = await asked.catch(() => null);
      // Without Redis it goes on with its part of what comes in. What it told may have arrived: it is not told again.
      const tokens = left === null ? share.tokens + came : Number(left) / instances - share.untold;
      share.tokens = Math.min(limit / instances, tokens);
    };
    setInterval(async () => {
      await count();
      for (const [user, share] of shares)
        if (share.untold > 0) reconcile(user, share);
        else if (performance.now() - share.heardMs > windowMs) shares.delete(user);
    }, RECONCILE_MS);
    return async user => {
      await counted;
      const share = shares.get(user) ?? { tokens: 0, untold: 0, heardMs: -Infinity };
      shares.set(user, share);
      if (performance.now() - share.heardMs > 2 * RECONCILE_MS) share.hearing = reconcile(user, share);
      await share.hearing;
      if (share.tokens < 1) return false;
      share.tokens -= 1;
      share.untold += 1;
      return true;
    };
  },
};
