/** The read side, a thread of its own: it follows the log. Nobody who sends events waits for it. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { workerData as folder, parentPort as port } from 'node:worker_threads';
import { replay } from './log.ts';
import type { Event } from './request.ts';

const load = (name: string) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'));
/** `7.snapshot` is what was there before 7.log; `2026-11-30.closing`, at the end of that day, if it had events. */
const snapshots = readdirSync(folder).filter(name => name.endsWith('.snapshot'));
let [number, bytes] = [Math.max(1, ...snapshots.map(Number.parseFloat)), 0];
let [day, saved] = snapshots.length === 0 ? ['', []] : load(`${number}.snapshot`);
const balances = new Map<string, number>(saved);
let last: Promise<unknown> = catchUp().then(() => port!.postMessage({ balances, number, bytes }));
port!.on('message', question => {
  last = last.then(catchUp).then(() => question !== 'full' && port!.postMessage(closing(question)));
});

async function catchUp(): Promise<void> {
  // Then this one grows no more.
  const isFull = existsSync(`${folder}/${number + 1}.log`);
  bytes = await replay(`${folder}/${number}.log`, bytes, apply);
  if (!isFull) return;
  [number, bytes] = [number + 1, 0];
  save(`${number}.snapshot`);
  for (const kind of ['snapshot', 'log']) rmSync(`${folder}/${number - 1}.${kind}`, { force: true });
  await catchUp();
}

function apply({ user, amount, fields }: Event): void {
  const today = String(fields.at).slice(0, 10);
  if (day !== '' && today > day) save(`${day}.closing`);
  if (today > day) day = today;
  balances.set(user, (balances.get(user) ?? 0) + amount);
}

function closing([user, wanted]: [string, string]): number {
  if (wanted >= day) return balances.get(user) ?? 0;
  const names = readdirSync(folder).filter(name => name.endsWith('closing') && name <= `${wanted}.closing`);
  const found = names.length === 0 ? [] : load(names.sort().at(-1)!)[1];
  return new Map<string, number>(found).get(user) ?? 0;
}

/** Under another name first: whoever finds the file finds all of it. */
function save(name: string): void {
  writeFileSync(`${folder}/new`, JSON.stringify([day, [...balances]]), { flush: true });
  renameSync(`${folder}/new`, `${folder}/${name}`);
}
