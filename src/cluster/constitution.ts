/**
 * What is the same for all nodes: written once, by the first one, into a key that nobody changes. A node that wants
 * something else is refused.
 */
import { randomUUID } from 'node:crypto';
import { drawHashSeed, type HashSeed } from '../protocol/hash.ts';
import type { Bucket } from './bucket.ts';
import type { LinkStart, Wanted } from './link-options.ts';
import type { Constitution } from './messages.ts';
import { bucketOf, CONSTITUTION_KEY } from './names.ts';
import { Refusal } from './refusal.ts';

const WORD_DIGITS = 8;
const SEED_WORDS = 3;
const KEY_WORDS = 4;

/** What a node may want, the setting, and its flag. */
const SETTINGS: readonly (readonly [keyof Wanted, string, string])[] = [
  ['partitions', 'clusterPartitions', '--cluster-partitions'],
  ['users', 'users', '--users'],
  ['idsMax', 'idsMax', '--ids-max'],
  ['idsMs', 'idsMs', '--ids-ms'],
];

/**
 * That of the cluster, written now if it has none; `hasBlocks` says whether there are streams with blocks all the same,
 * which another one must have made. Throws a `Refusal` then, or if it is not what is wanted.
 */
export async function agreeOn(
  bucket: Bucket,
  { wanted, given, cluster }: Pick<LinkStart, 'wanted' | 'given' | 'cluster'>,
  hasBlocks: () => Promise<boolean>,
): Promise<{ constitution: Constitution; isFirst: boolean }> {
  for (;;) {
    const known = await bucket.get<Constitution>(CONSTITUTION_KEY);
    if (known?.value !== undefined) {
      checkAgainst(known.value, wanted, given, cluster);
      return { constitution: known.value, isFirst: false };
    }
    if (await hasBlocks())
      throw new Refusal(
        `the streams of cluster '${cluster}' have blocks, and the key that says how to read them is gone: restore the bucket ${bucketOf(cluster)}, or make another cluster (--cluster-name)`,
      );
    const drawn = draw(wanted);
    const revision = await bucket.set(CONSTITUTION_KEY, drawn, known?.revision);
    if (revision !== undefined) return { constitution: drawn, isFirst: true };
  }
}

export function draw({ version, partitions, users, idsMax, idsMs }: Wanted): Constitution {
  const { start, first, second, id } = drawHashSeed();
  return {
    id: randomUUID(),
    version,
    partitions,
    hashSeed: hexOf([start, first, second]),
    idKey: hexOf(id),
    users,
    idsMax,
    idsMs,
  };
}

/** As the engine takes it. */
export function hashSeedOf({ hashSeed, idKey }: Constitution): HashSeed {
  const [start, first, second] = wordsOf(hashSeed, SEED_WORDS) as [number, number, number];
  const id = wordsOf(idKey, KEY_WORDS) as [number, number, number, number];
  return { start, first, second, id };
}

function checkAgainst(known: Constitution, wanted: Wanted, given: readonly string[], cluster: string): void {
  if (known.version !== wanted.version)
    throw new Refusal(
      `the cluster '${cluster}' is of format ${known.version}, and this Tally writes format ${wanted.version}; run the version of Tally that the other nodes run`,
    );
  for (const [setting, key, name] of SETTINGS)
    if (given.includes(key) && known[setting] !== wanted[setting])
      throw new Refusal(
        `the cluster '${cluster}' was made with ${name} ${known[setting]}, and this node has ${name} ${wanted[setting]}; give it ${name} ${known[setting]}, or make another cluster (--cluster-name)`,
      );
}

function hexOf(words: readonly number[]): string {
  return words.map(word => (word >>> 0).toString(16).padStart(WORD_DIGITS, '0')).join('');
}

/** Int32 each. Throws an error if there are not that many. */
function wordsOf(hex: string, count: number): number[] {
  if (hex.length !== count * WORD_DIGITS || !/^[\da-f]+$/.test(hex))
    throw new Error(`not ${count} words in hexadecimal: ${hex}`);
  return Array.from(
    { length: count },
    (_, index) => Number.parseInt(hex.slice(index * WORD_DIGITS, (index + 1) * WORD_DIGITS), 16) | 0,
  );
}
