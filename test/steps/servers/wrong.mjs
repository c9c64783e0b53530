/**
 * A right server of steps 3 to 5, small, with one fault that its first argument names; without one it is right. The
 * checker is tested on it: it must find each fault, and put its mark under the right byte.
 */
import { createServer } from 'node:net';

const fault = process.argv[2] ?? 'none';
const has = name => fault === name;
const { PORT, QUEUE = '1024', WORK_US = '0' } = process.env;
const LINE_BYTES_MAX = 16_384;
const KNOWN = ['type', 'user', 'action', 'amount', 'wait'];

const balances = new Map();
const tasks = [];
let isWorking = false;
let sharedRest = Buffer.alloc(0);

function text(reply) {
  if (has('puts-spaces')) return `${JSON.stringify(reply).replaceAll(':', ': ')}\n`;
  if (has('orders-keys-otherwise'))
    return `${JSON.stringify(Object.fromEntries(Object.entries(reply).reverse()))}\n`;
  return JSON.stringify(reply) + (has('writes-no-newline') ? '' : has('ends-lines-with-cr') ? '\r\n' : '\n');
}

const error = reason => text({ status: 'error', reason });

/** The reply, or a promise of it. */
function answer(line) {
  if (line.length > LINE_BYTES_MAX - (has('counts-the-newline') ? 1 : 0)) return error('line_too_long');
  const decoder = new TextDecoder('utf-8', { fatal: !has('decodes-with-loss'), ignoreBOM: true });
  let json;
  let fields;
  try {
    json = decoder.decode(line);
    fields = JSON.parse(json);
  } catch {
    if (has('hangs-on-a-mark') && line[0] === 0xef) return new Promise(() => {});
    if (has('skips-empty-lines') && line.length === 0) return '';
    return error('invalid_json');
  }
  if (has('refuses-half-pairs') && /\\u[dD][89a-fA-F]/.test(json)) return error('invalid_json');
  if (has('dies-of-null')) fields.type?.toString();
  if (has('hangs-where-it-throws') && fields === null) {
    console.error(`    at the line of null\nTypeError: no fields\n`);
    return new Promise(() => {});
  }
  if (has('hangs-where-it-throws')) console.error(`${json} is no null`);
  fields = { ...fields };
  const twice = has('takes-the-last-of-two') ? [] : namesTwice(json);
  if (twice.includes('type')) return error('invalid_event');
  const { type, user, action, amount, wait = false } = fields;
  if (type === 'health' && has('queues-health'))
    return new Promise(resolve => push({ done: () => resolve(text({ status: 'ok' })) }));
  if (type === 'health') return text({ status: 'ok' }).repeat(has('answers-twice') ? 2 : 1);
  if (type === 'balance' && isUser(user) && !twice.includes('user'))
    return new Promise(resolve =>
      push({ done: () => resolve(text({ status: 'ok', balance: balances.get(user) ?? 0 })) }),
    );
  if (type === 'balance') return error('invalid_event');
  if (typeof type === 'string') return error(has('says-another-reason') ? 'unknown_event' : 'unknown_type');
  const isAmount = Number.isSafeInteger(amount) && amount >= 1;
  const isEvent =
    type === undefined && twice.length === 0 && isUser(user) && isAmount && typeof wait === 'boolean';
  if (!isEvent || !['buy', 'sell'].includes(action)) return error('invalid_event');
  if (tasks.length >= Number(QUEUE) && !has('bounds-nothing'))
    return text({ status: 'rejected', reason: 'server_busy' });
  const change = action === 'buy' || has('adds-sales') ? amount : -amount;
  const name = has('normalises-names') ? user.normalize() : user;
  if (!wait) push({ user: name, change: has('forgets-the-unwatched') && amount === 7 ? 0 : change });
  if (!wait) return text({ status: 'accepted' });
  return new Promise(resolve =>
    push({ user: name, change, done: reply => resolve(reply.repeat(has('applies-loudly') ? 2 : 1)) }),
  );
}

function isUser(user) {
  if (typeof user !== 'string' || /\p{Surrogate}/u.test(user)) return false;
  return user !== '' && (has('counts-characters') ? user.length : Buffer.byteLength(user)) <= 128;
}

/** Known ones. Good enough for lines that are no riddles. */
function namesTwice(json) {
  const top = json.replace(/\[[^\]]*\]/g, '0').replace(/(?!^)\{[^{}]*\}/g, '0');
  const names = [...top.matchAll(/("(?:[^"\\]|\\.)*")\s*:/g)].map(([, name]) => JSON.parse(name));
  return KNOWN.filter(known => names.filter(name => name === known).length > 1);
}

function push(task) {
  tasks.push(task);
  if (!isWorking) setImmediate(work);
  isWorking = true;
}

async function work() {
  while (tasks.length > 0) {
    const { user, change, done } = tasks[0];
    if (change !== undefined && Number(WORK_US) > 0)
      await new Promise(resolve => setTimeout(resolve, Number(WORK_US) / 1_000));
    const balance = (balances.get(user) ?? 0) + (change ?? 0);
    const isInRange = Number.isSafeInteger(balance) || has('overflows');
    if (change !== undefined && isInRange) balances.set(user, balance);
    tasks.shift();
    done?.(text(isInRange ? { status: 'ok', balance } : { status: 'rejected', reason: 'balance_overflow' }));
  }
  isWorking = false;
}

/** Servers of steps 1 and 2. */
const ECHOES = {
  echoes: socket => socket.pipe(socket),
  'echoes-decoded-packets': socket => socket.on('data', packet => socket.write(packet.toString())),
  'echoes-decoded-text': socket => socket.setEncoding('utf8').on('data', text => socket.write(text)),
  'echoes-without-end': socket => socket.once('data', packet => repeat(socket, packet)),
};

/** From the next turn of the loop on, so what follows the right reply is no part of it. */
function repeat(socket, bytes) {
  const write = () => {
    if (!socket.destroyed) socket.write(bytes);
  };
  setImmediate(write);
  const timer = setInterval(write, 5);
  socket.on('error', () => {}).on('close', () => clearInterval(timer));
}

function serve(socket) {
  if (fault in ECHOES) return ECHOES[fault](socket);
  let rest = Buffer.alloc(0);
  let replies = Promise.resolve();
  if (has('answers-without-end')) socket.once('data', () => repeat(socket, text({ status: 'accepted' })));
  const reply = line => {
    const answered = answer(line);
    const write = bytes => {
      socket.write(bytes);
      if (has('hangs-up-on-errors') && bytes.includes('"error"')) socket.destroy();
    };
    if (has('answers-when-it-likes')) replies = Promise.all([replies, Promise.resolve(answered).then(write)]);
    else replies = replies.then(() => answered).then(write);
  };
  if (!has('never-reads-errors')) socket.on('error', () => {});
  socket.on('data', packet => {
    socket.cork();
    process.nextTick(() => socket.uncork());
    if (has('takes-packets-for-lines')) return reply(packet);
    rest = Buffer.concat([has('shares-the-rest') ? sharedRest : rest, packet]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      reply(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    if (has('answers-long-lines-often') && rest.length > LINE_BYTES_MAX) reply(rest);
    rest = rest.subarray(0, LINE_BYTES_MAX + 1);
    sharedRest = rest;
  });
  socket.on('end', () => {
    if (has('hangs-up-at-once')) return socket.destroy();
    if (rest.length > 0 && !has('forgets-the-last-line')) reply(rest);
    if (!has('never-hangs-up')) void replies.then(() => socket.end());
  });
}

createServer({ allowHalfOpen: true }, serve).listen(Number(PORT), '127.0.0.1');
