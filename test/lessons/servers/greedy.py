"""Lesson 16 as a reader may write it: `greedy.py window` counts in memory, `greedy.py bucket` asks a script in Redis.

What it is told comes in variables: PORT, LIMIT, WINDOW_MS, CLOCK_AHEAD_MS, REDIS_URL.
"""
import json
import os
import socket
import socketserver
import sys
import threading
import time
from urllib.parse import urlparse

LIMIT = int(os.environ.get("LIMIT", "1000"))
WINDOW_S = int(os.environ.get("WINDOW_MS", "1000")) / 1000
AHEAD_S = int(os.environ.get("CLOCK_AHEAD_MS", "0")) / 1000
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local tokens = tonumber(redis.call('HGET', KEYS[1], 'tokens') or ARGV[1])
local at = tonumber(redis.call('HGET', KEYS[1], 'at') or now)
tokens = math.min(ARGV[1], tokens + (now - at) * ARGV[1] / ARGV[2])
local taken = tokens >= 1 and 1 or 0
redis.call('HSET', KEYS[1], 'tokens', tokens - taken, 'at', now)
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[2]) + 1)
return taken
"""
balances = {}
windows = {}
lock = threading.Lock()


class InMemory:
    """A window begins with the first event of a user."""

    def passes(self, user):
        now = time.time() + AHEAD_S
        start, count = windows.get(user, (now, 0))
        if now >= start + WINDOW_S:
            start, count = now, 0
        windows[user] = (start, count + 1)
        return count < LIMIT


class InRedis:
    """One connection for all; its replies come in the order of its requests, and the lock keeps that order."""

    def __init__(self):
        url = urlparse(os.environ["REDIS_URL"])
        self.file = socket.create_connection((url.hostname, url.port)).makefile("rwb")

    def passes(self, user):
        words = [b"EVAL", SCRIPT, "1", f"tokens:{user}", str(LIMIT), str(WINDOW_S)]
        parts = [word if isinstance(word, bytes) else word.encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self.file.write(request)
        self.file.flush()
        return self.file.readline() == b":1\r\n"


limiter = InRedis() if sys.argv[1] == "bucket" else InMemory()


def answer(request):
    if request.get("type") == "health":
        return {"status": "ok"}
    user = request["user"]
    with lock:
        if request.get("type") == "balance":
            return {"status": "ok", "balance": balances.get(user, 0)}
        if not limiter.passes(user):
            return {"status": "rejected", "reason": "rate_limited"}
        amount = request["amount"] if request["action"] == "buy" else -request["amount"]
        balances[user] = balances.get(user, 0) + amount
        return {"status": "ok", "balance": balances[user]} if request.get("wait") else {"status": "accepted"}


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(json.dumps(answer(json.loads(line)), separators=(",", ":")).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", int(os.environ["PORT"])), Client).serve_forever()
