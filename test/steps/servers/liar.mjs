/**
 * A server that does what no server should, of the kind that its argument names. Whatever examines servers must come
 * to an end with each of them, and keep little. Everything that is not the lie is answered as step 10 would.
 */
import { createServer } from 'node:net';

const kind = process.argv[2];
const { PORT } = process.env;
const SLOW_MS = 1_000;
const MIDWAY = 20;
const GARBAGE = Buffer.from('\x1b[31m\x07\x00\xff\xfe\x9b2J"\\{\n', 'latin1');
const ENDLESS = Buffer.alloc(1 << 16, `${JSON.stringify({ status: 'ok', balance: 1 })}\n`);
const HUGE = Buffer.alloc(1 << 16, 'x');

const balances = new Map();
let processed = 0;

/** What is right. */
function answer(line) {
  let event;
  try {
    event = JSON.parse(line);
  } catch {
    return { status: 'error', reason: 'invalid_json' };
  }
  const { type, user, action, amount, wait } = event;
  if (type === 'metrics') return { received: processed, processed, dropped: 0 };
  if (type === 'health') return { status: 'ok' };
  if (type === 'balance') return { status: 'ok', balance: balances.get(user) ?? 0 };
  processed += 1;
  balances.set(user, (balances.get(user) ?? 0) + (action === 'buy' ? amount : -amount));
  return wait ? { status: 'ok', balance: balances.get(user) } : { status: 'accepted' };
}

/** Writes it again and again, as fast as it is taken. */
function pour(socket, bytes) {
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}

/** By kind: what is done with a line. */
const LIES = {
  mute: () => {},
  'says-garbage': socket => socket.write(GARBAGE),
  'says-wrong-types': socket =>
    socket.write('{"status":1,"balance":"ten","received":[],"processed":null,"reason":{}}\n'),
  'has-no-balances': socket => socket.write('{"status":"ok"}\n'),
  'changes-balances': (socket, line) =>
    socket.write(
      line.includes('"balance"')
        ? `{"status":"ok","balance":${Math.floor(Math.random() * 300)}}\n`
        : reply(line),
    ),
  'is-slow': (socket, line) => setTimeout(() => socket.write(reply(line)), SLOW_MS),
  'says-everything-twice': (socket, line) => socket.write(reply(line).repeat(2)),
  'trickles-without-end': socket => {
    const timer = setInterval(() => socket.write('x'), 100);
    socket.on('close', () => clearInterval(timer));
  },
};

function reply(line) {
  return `${JSON.stringify(answer(line))}\n`;
}

function serve(socket) {
  socket.on('error', () => {});
  if (kind === 'hangs-up-at-once') return socket.destroy();
  if (kind === 'floods') pour(socket, ENDLESS);
  if (kind === 'says-a-line-without-end') pour(socket, HUGE);
  if (kind === 'prints-without-end') setInterval(() => console.log('x'.repeat(10_000)), 1);
  let rest = '';
  let lines = 0;
  socket.setEncoding('latin1').on('data', text => {
    const whole = (rest + text).split('\n');
    rest = whole.pop().slice(-20_000);
    for (const line of whole) {
      lines += 1;
      if (kind === 'hangs-up-midway' && lines > MIDWAY) return socket.destroy();
      if (kind in LIES) LIES[kind](socket, line);
      else socket.write(reply(line));
    }
  });
  socket.on('end', () => socket.end());
}

if (kind === 'ignores-signals') for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => {});
createServer({ allowHalfOpen: true }, serve).listen(Number(PORT), '127.0.0.1', () => {
  // The kernel still takes connections for it.
  if (kind === 'is-stopped') setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 100);
});
