"""Lesson 13 as a reader may write it: `retry.py memory` remembers ids in a table of its own, `retry.py redis` where the
balances are, in one script.

The port and the address of Redis are in PORT and REDIS_URL, or behind the word.
"""
import json
import os
import socket
import socketserver
import sys
import urllib.parse

KEEPS_IN_REDIS = sys.argv[1] == "redis"
PORT, REDIS_URL = sys.argv[2:4] if len(sys.argv) > 2 else (os.environ["PORT"], os.environ["REDIS_URL"])
REDIS = urllib.parse.urlparse(REDIS_URL)
REMEMBERED_S = 600
replies = {}

ONCE = """
local known = redis.call('GET', KEYS[2])
if known then return known end
local balance = redis.call('INCRBY', KEYS[1], ARGV[1])
local reply = ARGV[2] == 'wait' and '{"status":"ok","balance":' .. balance .. '}' or '{"status":"accepted"}'
redis.call('SET', KEYS[2], reply, 'EX', ARGV[3])
return reply
"""


class Redis:
    """A connection: a command out, a reply in."""

    def __init__(self):
        self.file = socket.create_connection((REDIS.hostname, REDIS.port)).makefile("rwb")

    def __call__(self, *words):
        words = [str(word).encode() for word in words]
        self.file.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        self.file.flush()
        head = self.file.readline()
        if head[:1] == b"-":
            raise RuntimeError(head)
        if head[:1] != b"$":
            return head[1:-2].decode()
        length = int(head[1:])
        return None if length < 0 else self.file.read(length + 2)[:-2].decode()


def apply(redis, user, amount, wait):
    balance = int(redis("INCRBY", "balance:" + user, amount))
    return json.dumps({"status": "ok", "balance": balance} if wait else {"status": "accepted"})


def answer(redis, request):
    if request.get("type") == "health":
        return '{"status":"ok"}'
    user = request["user"]
    if request.get("type") == "balance":
        return json.dumps({"status": "ok", "balance": int(redis("GET", "balance:" + user) or 0)})
    amount = request["amount"] if request["action"] == "buy" else -request["amount"]
    wait = request.get("wait", False)
    if "id" not in request:
        return apply(redis, user, amount, wait)
    key = json.dumps([user, request["id"]])
    if KEEPS_IN_REDIS:
        keys = ("balance:" + user, key)
        return redis("EVAL", ONCE, 2, *keys, amount, "wait" if wait else "", REMEMBERED_S)
    if key not in replies:
        replies[key] = apply(redis, user, amount, wait)
    return replies[key]


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        redis = Redis()
        for line in self.rfile:
            self.wfile.write(answer(redis, json.loads(line)).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", int(PORT)), Client).serve_forever()
