"""A right server of steps 3 to 5 in Python, as a learner might write it: a thread for each client, a bounded queue,
and one thread that applies events. `server.py echo` is one of steps 1 and 2. PORT, QUEUE and WORK_US as for all."""
import json, os, queue, socket, sys, threading, time

LINE_MAX, AMOUNT_MAX = 16384, 2**53 - 1
KNOWN = {"type", "user", "action", "amount", "wait"}
tasks = queue.Queue(int(os.environ.get("QUEUE", "1024")))
balances = {}


class Twice(Exception):
    pass


def fields_of(pairs):
    fields = dict(pairs)
    fields[Twice] = len({key for key, _ in pairs if key in KNOWN}) < sum(key in KNOWN for key, _ in pairs)
    return fields


def no_constant(name):
    raise ValueError(name)


def is_user(user):
    try:
        return isinstance(user, str) and 1 <= len(user.encode()) <= 128
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def is_amount(amount):
    return type(amount) in (int, float) and 1 <= amount <= AMOUNT_MAX and amount == int(amount)


def reply(status, **more):
    return json.dumps({"status": status, **more}, separators=(",", ":")).encode() + b"\n"


def put(user, change, box):
    tasks.put((user, change, box))
    return box.get()


def answer(line):
    if len(line) > LINE_MAX:
        return reply("error", reason="line_too_long")
    try:
        fields = json.loads(line.decode("utf-8"), object_pairs_hook=fields_of, parse_constant=no_constant)
    except (ValueError, RecursionError):
        return reply("error", reason="invalid_json")
    invalid = reply("error", reason="invalid_event")
    if not isinstance(fields, dict) or fields[Twice]:
        return invalid
    user, amount, wait = fields.get("user"), fields.get("amount"), fields.get("wait", False)
    if "type" in fields:
        if fields["type"] == "health":
            return reply("ok")
        if fields["type"] == "balance":
            return put(user, 0, queue.Queue()) if is_user(user) else invalid
        return reply("error", reason="unknown_type") if isinstance(fields["type"], str) else invalid
    if not is_user(user) or not is_amount(amount) or fields.get("action") not in ("buy", "sell") or wait not in (True, False) or type(wait) is not bool:
        return invalid
    box = queue.Queue() if wait else None
    try:
        tasks.put_nowait((user, int(amount) if fields["action"] == "buy" else -int(amount), box))
    except queue.Full:
        return reply("rejected", reason="server_busy")
    return box.get() if wait else reply("accepted")


def apply_events():
    while True:
        user, change, box = tasks.get()
        if change:
            time.sleep(int(os.environ.get("WORK_US", "0")) / 1e6)
        balance = balances.get(user, 0) + change
        fits = abs(balance) <= AMOUNT_MAX
        if change and fits:
            balances[user] = balance
        if box:
            box.put(reply("ok", balance=balance) if fits else reply("rejected", reason="balance_overflow"))


def serve(client):
    rest = b""
    with client:
        try:
            while packet := client.recv(65536):
                if "echo" in sys.argv:
                    client.sendall(packet)
                    continue
                *lines, rest = (rest + packet).split(b"\n")
                for line in lines:
                    client.sendall(answer(line))
                rest = rest[: LINE_MAX + 1]
            if rest:
                client.sendall(answer(rest))
        except ConnectionError:
            pass


threading.Thread(target=apply_events, daemon=True).start()
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=128)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
