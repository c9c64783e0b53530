/** What `tally journal verify` says of what it has found: for people, and as JSON. */
import { count } from '../../cli/terminal/numbers.ts';
import { timeText } from './times.ts';
import type { DamageFound, Found } from './verify.ts';

/** `dir` is the folder as it was written. */
export function verdictText(dir: string, found: Found): string {
  const { epochs, damage } = found;
  const sum = (field: 'segments' | 'blocks' | 'events' | 'snapshots') =>
    count(epochs.reduce((all, epoch) => all + epoch[field], 0));
  const last = epochs.at(-1);
  const starts = epochs.map(({ epoch }) => epoch);
  const rows = [
    [
      'starts',
      starts.length > 1
        ? `${starts.length} (epochs ${starts[0]} to ${starts.at(-1)})`
        : `${starts.length} (epoch ${starts[0] ?? '–'})`,
    ],
    ['lanes', String(last?.lanes ?? 0)],
    ['snapshots', sum('snapshots')],
    ['segments', sum('segments')],
    ['blocks', sum('blocks')],
    ['events', sum('events')],
    ['users', count(found.users)],
    ['first', found.firstMs === undefined ? '–' : timeText(found.firstMs)],
    ['last', found.lastMs === undefined ? '–' : timeText(found.lastMs)],
    ['end', endText(found)],
  ];
  const head = damage.length === 0 ? `${dir}: whole` : `${dir}: damaged, in ${places(damage.length)}`;
  return `${head}\n${rows.map(([name, value]) => `  ${name!.padEnd(10)}${value}\n`).join('')}`;
}

function places(number: number): string {
  return number === 1 ? 'one place' : `${number} places`;
}

function endText({ epochs, isRunning, damage }: Found): string {
  const last = epochs.at(-1);
  if (isRunning) return 'none: a server has it';
  if (last === undefined || damage.some(({ needs }) => needs === 'start')) return '–';
  if (last.isClean) return 'clean: the server had stopped by itself';
  const { tornBytes } = last;
  const torn =
    tornBytes === 0 ? '' : `, with ${count(tornBytes)} ${tornBytes === 1 ? 'byte' : 'bytes'} on their way`;
  return `the server had not stopped by itself${torn}; nothing that was acknowledged is missing`;
}

/** What can be done. */
export function adviceFor({ damage, needs }: DamageFound): string {
  if (damage.what.includes('is later than this Tally knows')) return 'use the Tally that wrote it';
  return needs === 'start'
    ? 'tally serve does not start with it: put a backup in place of the folder'
    : 'tally serve starts without it; only what looks back before the last snapshot needs it: look in a backup';
}

export function verdictJson(dir: string, found: Found): unknown {
  const last = found.epochs.at(-1);
  const time = (ms: number | undefined) => (ms === undefined ? null : timeText(ms));
  return {
    data: dir,
    whole: found.damage.length === 0,
    running: found.isRunning,
    clean: found.isRunning ? null : (last?.isClean ?? null),
    users: found.users,
    first: time(found.firstMs),
    last: time(found.lastMs),
    epochs: found.epochs.map(({ isClean, tornBytes, ...epoch }) => ({
      ...epoch,
      clean: isClean ?? null,
      torn_bytes: tornBytes,
    })),
    damage: found.damage.map(each => ({
      file: each.damage.file,
      byte: each.damage.at ?? null,
      what: each.damage.what,
      needed_by: each.needs,
      do: adviceFor(each),
    })),
  };
}
