"""Lesson 14 as a reader may write it, in memory: `overselling.py look` looks, thinks and writes; `overselling.py lock`
does so with the item locked. The port is in PORT.
"""
import json
import os
import socketserver
import sys
import threading
import time

LOCKS = sys.argv[1] == "lock"
THINKING_S = 0.001
balances = {}
lock = threading.Lock()


class Nothing:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


def decide(user, amount, least):
    with lock if LOCKS else Nothing():
        balance = balances.get(user, 0) + amount
        if balance < least:
            return {"status": "rejected", "reason": "insufficient_balance"}
        time.sleep(THINKING_S)
        balances[user] = balance
        return {"status": "ok", "balance": balance}


def answer(request):
    if request.get("type") == "health":
        return {"status": "ok"}
    if request.get("type") == "balance":
        return {"status": "ok", "balance": balances.get(request["user"], 0)}
    if "type" in request:
        return {"status": "error", "reason": "unknown_type"}
    amount = request["amount"] if request["action"] == "buy" else -request["amount"]
    return decide(request["user"], amount, request.get("min", -(2**53)))


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(json.dumps(answer(json.loads(line)), separators=(",", ":")).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", int(os.environ["PORT"])), Client).serve_forever()
