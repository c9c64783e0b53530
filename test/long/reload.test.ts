/** Reloads under load, a thousand of them. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { quantileOf } from '../../src/tools/harness/samples.ts';
import { newFolder } from '../support/folders.ts';
import { sayTenths } from '../support/progress.ts';
import { reloadUnderLoad } from '../support/reload-cycles.ts';

const RELOADS = Number(process.env.TALLY_TEST_CYCLES ?? 1_000);
const RELOAD_MS_MAX = 1_000;

test(
  `${RELOADS} reloads under load lose nothing, close nobody, and leave every balance exact`,
  async () => {
    const path = join(newFolder(), 'tally.toml');
    const { tookMs, ...figures } = await reloadUnderLoad(path, RELOADS, sayTenths('reloads', RELOADS));
    expect(figures).toMatchObject({ reloads: RELOADS, lost: 0, wrongReplies: 0 });
    const [medianMs, slowestMs] = [0.5, 1].map(share => Math.round(quantileOf(tookMs, share)));
    console.log(JSON.stringify({ ...figures, medianMs, slowestMs }));
    expect(slowestMs).toBeLessThan(RELOAD_MS_MAX);
  },
  60_000 + RELOADS * 1_000,
);
