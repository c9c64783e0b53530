"""Lesson 11 as a reader may write it: `crash.py memory` saves now and then, `crash.py log` writes before it answers.

The port and the folder are in PORT and DATA, or behind the word.
"""
import json
import os
import socketserver
import sys
import threading

KEEPS_LOG = sys.argv[1] == "log"
PORT, DATA = sys.argv[2:4] if len(sys.argv) > 2 else (os.environ["PORT"], os.environ["DATA"])
SAVE_EVERY_S = 0.5
balances = {}
lock = threading.Lock()
log = None


def save():
    with lock:
        text = json.dumps(balances)
    with open(f"{DATA}/balances.new", "w") as file:
        file.write(text)
    os.replace(f"{DATA}/balances.new", f"{DATA}/balances")
    threading.Timer(SAVE_EVERY_S, save).start()


def load():
    if os.path.exists(f"{DATA}/balances"):
        with open(f"{DATA}/balances") as file:
            balances.update(json.load(file))


def replay():
    global log
    log = open(f"{DATA}/events", "ab+")
    log.seek(0)
    text = log.read()
    end = text.rfind(b"\n") + 1
    log.truncate(end)
    for line in text[:end].splitlines():
        user, amount = json.loads(line)
        balances[user] = balances.get(user, 0) + amount


def answer(request):
    if request.get("type") == "health":
        return {"status": "ok"}
    user = request["user"]
    with lock:
        if request.get("type") == "balance":
            return {"status": "ok", "balance": balances.get(user, 0)}
        amount = request["amount"] if request["action"] == "buy" else -request["amount"]
        if KEEPS_LOG:
            log.write(json.dumps([user, amount]).encode() + b"\n")
            log.flush()
            os.fdatasync(log.fileno())
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


if KEEPS_LOG:
    replay()
else:
    load()
    save()
Server(("127.0.0.1", int(PORT)), Client).serve_forever()
