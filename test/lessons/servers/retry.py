"""Lesson 13, written from the chapter, the task and `tally check` alone: `retry.py wrong` and `retry.py right`.

The port is in PORT, the address of Redis in REDIS_URL.
"""
import asyncio
import json
import os
import sys
from urllib.parse import urlsplit

MOST = 2**53 - 1
LONGEST = 16_384
USER_BYTES = 128
ID_BYTES = 64
IDS_MS = 600_000  # so long an id is remembered

ACCEPTED = b'{"status":"accepted"}'
BUSY = b'{"status":"rejected","reason":"server_busy"}'
OVERFLOW = b'{"status":"rejected","reason":"balance_overflow"}'
REUSED = b'{"status":"rejected","reason":"id_reused"}'


def error(reason):
    return b'{"status":"error","reason":"%s"}' % reason.encode()


def ok(balance):
    return b'{"status":"ok","balance":%d}' % balance


class RedisError(Exception):
    pass


class Redis:
    """One connection for all clients: commands go out as they come, replies come back in that order."""

    def __init__(self, url):
        at = urlsplit(url)
        self.address = at.hostname or '127.0.0.1', at.port or 6379
        self.waiting, self.writer, self.lock = [], None, asyncio.Lock()

    async def call(self, *words):
        async with self.lock:
            if self.writer is None:
                reader, self.writer = await asyncio.open_connection(*self.address)
                self.task = asyncio.create_task(self.read(reader))
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        reply = asyncio.get_running_loop().create_future()
        self.waiting.append(reply)
        self.writer.write(b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
        result = await reply
        if isinstance(result, RedisError):
            raise result
        return result

    async def read(self, reader):
        try:
            while True:
                result = await self.value(reader)
                self.waiting.pop(0).set_result(result)
        except (OSError, EOFError):
            waiting, self.waiting = self.waiting, []
            self.writer.close()
            self.writer = None
            for reply in waiting:  # nobody knows whether these were done
                reply.set_exception(ConnectionError('lost Redis'))

    async def value(self, reader):
        line = (await reader.readuntil(b'\r\n'))[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b'+':
            return rest
        if kind == b'-':
            return RedisError(rest.decode())
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == b'-1' else (await reader.readexactly(int(rest) + 2))[:-2]
        return None if rest == b'-1' else [await self.value(reader) for _ in range(int(rest))]


SCRIPT = b'''
local old = KEYS[2] and redis.call('GET', KEYS[2])
if old then
  local cut = string.find(old, '\\n', 1, true)
  if string.sub(old, 1, cut - 1) ~= ARGV[1] then return '{"status":"rejected","reason":"id_reused"}' end
  return string.sub(old, cut + 1)
end
local balance = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])
local reply = '{"status":"accepted"}'
if math.abs(balance) > 9007199254740991 then
  if ARGV[2] == '1' then reply = '{"status":"rejected","reason":"balance_overflow"}' end
else
  redis.call('INCRBY', KEYS[1], ARGV[1])
  if ARGV[2] == '1' then reply = string.format('{"status":"ok","balance":%.0f}', balance) end
end
if KEYS[2] then redis.call('SET', KEYS[2], ARGV[1] .. '\\n' .. reply, 'PX', ARGV[3]) end
return reply
'''


async def apply_right(redis, account, key, change, wait):
    keys = [account] if key is None else [account, key]
    return await redis.call('EVAL', SCRIPT, len(keys), *keys, change, int(wait), IDS_MS)


async def apply_wrong(redis, account, key, change, wait):
    if key is not None:
        old = await redis.call('GET', key)
        if old is not None:
            asked, reply = old.split(b'\n', 1)
            return reply if int(asked) == change else REUSED
    balance = await redis.call('INCRBY', account, change)
    reply = ok(balance) if wait else ACCEPTED
    if abs(balance) > MOST:
        await redis.call('DECRBY', account, change)
        reply = OVERFLOW if wait else ACCEPTED
    if key is not None:
        await redis.call('SET', key, b'%d\n%s' % (change, reply), 'PX', IDS_MS)
    return reply


class Pairs(list):
    """An object of JSON, with the keys that appear twice."""


def refuse(word):
    raise ValueError(word)


def parse(line):
    # Numbers are doubles, as in JSON.parse: 1e2, 100.0 and 100 are the same, and too many digits are no error.
    return json.loads(line.decode('utf-8'), object_pairs_hook=Pairs, parse_int=float, parse_constant=refuse)


def name(value, longest):
    """The bytes of a user or an id, or None."""
    if not isinstance(value, str):
        return None
    try:
        raw = value.encode('utf-8')
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return raw if 1 <= len(raw) <= longest else None


async def answer(redis, apply, line):
    try:
        value = parse(line)
    except ValueError:
        return error('invalid_json')
    except RecursionError:
        return error('invalid_event')
    if not isinstance(value, Pairs):
        return error('invalid_event')
    keys, fields = [k for k, _ in value], dict(value)
    twice = {k for k in ('type', 'user', 'action', 'amount', 'wait', 'id') if keys.count(k) > 1}
    user = name(fields.get('user'), USER_BYTES)
    if 'type' in fields:
        if 'type' in twice or not isinstance(fields['type'], str):
            return error('invalid_event')
        if fields['type'] == 'health':
            return b'{"status":"ok"}'
        if fields['type'] != 'balance':
            return error('unknown_type')
        if user is None or 'user' in twice:
            return error('invalid_event')
        return ok(int(await redis.call('GET', b'balance:' + user) or 0))
    amount, wait, key = fields.get('amount'), fields.get('wait', False), None
    if twice or user is None or fields.get('action') not in ('buy', 'sell') or not isinstance(wait, bool):
        return error('invalid_event')
    if not isinstance(amount, float) or not amount.is_integer() or not 1 <= amount <= MOST:
        return error('invalid_event')
    if 'id' in fields:
        once = name(fields['id'], ID_BYTES)
        if once is None:
            return error('invalid_event')
        key = b'id:%d:%s:%s' % (len(user), user, once)
    change = int(amount) if fields['action'] == 'buy' else -int(amount)
    return await apply(redis, b'balance:' + user, key, change, wait)


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


async def serve(redis, apply, reader, writer):
    try:
        async for line in lines(reader):
            try:
                reply = error('line_too_long') if line is None else await answer(redis, apply, line)
            except RedisError as refused:
                if not str(refused).startswith('OOM'):
                    raise
                reply = BUSY  # no room for its id: nothing was applied
            writer.write(reply + b'\n')
            await writer.drain()
    except (OSError, RedisError) as broken:  # the client is gone; or Redis, and nobody knows what became of the event
        print(broken, file=sys.stderr)
    finally:
        writer.close()


async def main(apply):
    redis = Redis(os.environ.get('REDIS_URL', 'redis://127.0.0.1:6379'))
    server = await asyncio.start_server(
        lambda reader, writer: serve(redis, apply, reader, writer), '127.0.0.1', int(os.environ['PORT']), backlog=1024)
    await server.serve_forever()


if __name__ == '__main__':
    sys.setrecursionlimit(20_000)
    try:
        asyncio.run(main({'wrong': apply_wrong, 'right': apply_right}[sys.argv[1]]))
    except KeyboardInterrupt:
        pass
