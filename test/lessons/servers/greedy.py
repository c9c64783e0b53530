"""Lesson 16, written from the chapter, the task and `tally check` alone: `greedy.py wrong` and `greedy.py right`.

What it is told comes in PORT, LIMIT, WINDOW_MS, REDIS_URL and CLOCK_AHEAD_MS.
"""
import asyncio
import json
import os
import sys
import time
from urllib.parse import urlsplit

MOST = 2**53 - 1
LONGEST = 16_384
LIMIT = int(os.environ.get('LIMIT', 1000))
WINDOW_MS = int(os.environ.get('WINDOW_MS', 1000))
CLOCK_AHEAD_MS = int(os.environ.get('CLOCK_AHEAD_MS', 0))

ACCEPTED = b'{"status":"accepted"}'
LIMITED = b'{"status":"rejected","reason":"rate_limited"}'
BUSY = b'{"status":"rejected","reason":"server_busy"}'
OVERFLOW = b'{"status":"rejected","reason":"balance_overflow"}'


def error(reason):
    return b'{"status":"error","reason":"%s"}' % reason.encode()


def ok(balance):
    return b'{"status":"ok","balance":%d}' % balance


class Windows:
    """Wrong: counts in fixed windows, in this process, by its clock."""

    def __init__(self):
        self.window, self.counts = None, {}

    async def allow(self, user):
        window = int(time.time() * 1000 + CLOCK_AHEAD_MS) // WINDOW_MS
        if window != self.window:
            self.window, self.counts = window, {}
        self.counts[user] = self.counts.get(user, 0) + 1
        return self.counts[user] <= LIMIT


SCRIPT = b'''
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = limit
if bucket[1] then
  tokens = math.min(limit, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * limit / window)
end
local allowed = tokens >= 1 and 1 or 0
redis.call('HSET', KEYS[1], 'tokens', string.format('%.17g', tokens - allowed), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return allowed
'''


class Buckets:
    """Right: a token bucket for each user, in Redis, by the clock of Redis. One connection; replies come in order."""

    def __init__(self, url):
        at = urlsplit(url)
        self.address = at.hostname or '127.0.0.1', at.port or 6379
        self.waiting, self.writer, self.lock = [], None, asyncio.Lock()

    async def allow(self, user):
        async with self.lock:
            if self.writer is None:
                reader, self.writer = await asyncio.open_connection(*self.address)
                self.task = asyncio.create_task(self.read(reader))
        words = [b'EVAL', SCRIPT, b'1', b'bucket:' + user, b'%d' % LIMIT, b'%d' % WINDOW_MS]
        reply = asyncio.get_running_loop().create_future()
        self.waiting.append(reply)
        self.writer.write(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
        line = await reply
        if line[:1] != b':':
            raise OSError(line.decode())
        return line == b':1'

    async def read(self, reader):
        try:
            while True:
                line = await reader.readuntil(b'\r\n')
                self.waiting.pop(0).set_result(line[:-2])
        except (OSError, EOFError):
            waiting, self.waiting = self.waiting, []
            self.writer.close()
            self.writer = None
            for reply in waiting:
                reply.set_exception(ConnectionError('lost Redis'))


class Pairs(list):
    """An object of JSON, with the keys that appear twice."""


def refuse(word):
    raise ValueError(word)


def name(value):
    """The bytes of a user, or None."""
    if not isinstance(value, str):
        return None
    try:
        raw = value.encode('utf-8')
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return raw if 1 <= len(raw) <= 128 else None


async def answer(limiter, balances, line):
    try:
        value = json.loads(line.decode('utf-8'), object_pairs_hook=Pairs, parse_int=float, parse_constant=refuse)
    except ValueError:
        return error('invalid_json')
    except RecursionError:
        return error('invalid_event')
    if not isinstance(value, Pairs):
        return error('invalid_event')
    keys, fields = [k for k, _ in value], dict(value)
    twice = {k for k in ('type', 'user', 'action', 'amount', 'wait') if keys.count(k) > 1}
    user = name(fields.get('user'))
    if 'type' in fields:
        if 'type' in twice or not isinstance(fields['type'], str):
            return error('invalid_event')
        if fields['type'] == 'health':
            return b'{"status":"ok"}'
        if fields['type'] != 'balance':
            return error('unknown_type')
        return error('invalid_event') if user is None or 'user' in twice else ok(balances.get(user, 0))
    amount, wait = fields.get('amount'), fields.get('wait', False)
    if twice or user is None or fields.get('action') not in ('buy', 'sell') or not isinstance(wait, bool):
        return error('invalid_event')
    if not isinstance(amount, float) or not amount.is_integer() or not 1 <= amount <= MOST:
        return error('invalid_event')
    try:
        if not await limiter.allow(user):
            return LIMITED
    except OSError:  # nobody knows what the limit says
        return BUSY
    balance = balances.get(user, 0) + (int(amount) if fields['action'] == 'buy' else -int(amount))
    if abs(balance) > MOST:
        return OVERFLOW if wait else ACCEPTED
    balances[user] = balance
    return ok(balance) if wait else ACCEPTED


async def lines(reader):
    """Every line, and None for one that is too long."""
    rest, skipping = b'', False
    while chunk := await reader.read(65_536):
        *whole, rest = (rest + chunk).split(b'\n')
        for line in whole:
            yield None if skipping or len(line) > LONGEST else line.removesuffix(b'\r')
            skipping = False
        if len(rest) > LONGEST:
            rest, skipping = b'', True
    if rest or skipping:
        yield None if skipping else rest.removesuffix(b'\r')


async def serve(limiter, balances, reader, writer):
    try:
        async for line in lines(reader):
            reply = error('line_too_long') if line is None else await answer(limiter, balances, line)
            writer.write(reply + b'\n')
            await writer.drain()
    except OSError:  # the client is gone
        pass
    finally:
        writer.close()


async def main(which):
    limiter = Windows() if which == 'wrong' else Buckets(os.environ.get('REDIS_URL', 'redis://127.0.0.1:6379'))
    balances = {}
    serves = lambda reader, writer: serve(limiter, balances, reader, writer)
    server = await asyncio.start_server(serves, '127.0.0.1', int(os.environ['PORT']), backlog=1024)
    await server.serve_forever()


if __name__ == '__main__':
    sys.setrecursionlimit(20_000)
    try:
        asyncio.run(main(sys.argv[1]))
    except KeyboardInterrupt:
        pass
