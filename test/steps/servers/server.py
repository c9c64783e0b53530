"""A right server of steps 3 to 5 in Python, as a learner might write it: a thread for each client, a bounded queue,
and one thread that applies events. `server.py echo` is one of steps 1 and 2. PORT, QUEUE and WORK_US as for all."""
import json, os, queue, socket, sys, threading, time

LINE_MAX, AMOUNT_MAX = 16384, 2**53 - 1
WORK_S = int(os.environ.get("WORK_US", 0)) / 1e6
tasks = queue.Queue(int(os.environ.get("QUEUE", 1024)))
balances = {}

def reply(status, **more):
    return json.dumps({"status": status, **more}, separators=(",", ":")).encode() + b"\n"

def fields_of(pairs):
    """A field that comes twice is null, which is never right."""
    names = [name for name, _ in pairs]
    return {name: None if names.count(name) > 1 else value for name, value in pairs}

def is_user(user):
    return isinstance(user, str) and 1 <= len(user.encode("utf-8", "replace")) <= 128 and not any("\ud800" <= c <= "\udfff" for c in user)

def is_amount(amount):
    return type(amount) in (int, float) and 1 <= amount <= AMOUNT_MAX and amount == int(amount)

def answer(line):
    if len(line) > LINE_MAX:
        return reply("error", reason="line_too_long")
    try:
        fields = json.loads(line.decode("utf-8"), object_pairs_hook=fields_of, parse_constant=int)
    except (ValueError, RecursionError):
        return reply("error", reason="invalid_json")
    fields = fields if isinstance(fields, dict) else {}
    user, amount, wait, kind = (fields.get(name) for name in ("user", "amount", "wait", "type"))
    if kind == "health":
        return reply("ok")
    if isinstance(kind, str) and kind != "balance":
        return reply("error", reason="unknown_type")
    is_event = "type" not in fields and is_amount(amount) and fields.get("action") in ("buy", "sell") and ("wait" not in fields or isinstance(wait, bool))
    if not is_user(user) or not (kind == "balance" or is_event):
        return reply("error", reason="invalid_event")
    box = queue.Queue() if wait or kind == "balance" else None
    change = 0 if kind == "balance" else int(amount) if fields["action"] == "buy" else -int(amount)
    try:
        tasks.put((user, change, box), block=kind == "balance")
    except queue.Full:
        return reply("rejected", reason="server_busy")
    return box.get() if box else reply("accepted")

def apply_events():
    while True:
        user, change, box = tasks.get()
        time.sleep(WORK_S if change else 0)
        balance = balances.get(user, 0) + change
        fits = abs(balance) <= AMOUNT_MAX
        if fits:
            balances[user] = balance
        if box:
            box.put(reply("ok", balance=balance) if fits else reply("rejected", reason="balance_overflow"))

def serve(client):
    rest = b""
    with client:
        try:
            while packet := client.recv(65536):
                *lines, rest = [packet, b""] if "echo" in sys.argv else (rest + packet).split(b"\n")
                for line in lines:
                    client.sendall(line if "echo" in sys.argv else answer(line))
                rest = rest[: LINE_MAX + 1]
            if rest:
                client.sendall(answer(rest))
        except ConnectionError:
            pass

threading.Thread(target=apply_events, daemon=True).start()
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=128)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
