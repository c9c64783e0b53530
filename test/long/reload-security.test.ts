/** A thousand reloads under load in which certificates, tokens, rights and limits change. */
import { expect, test } from 'vitest';
import { figure } from '../support/figure.ts';
import { keep } from '../support/keep.ts';
import { sayTenths } from '../support/progress.ts';
import { changeSecurityUnderLoad } from '../support/security-cycles.ts';

const RELOADS_KEPT = 1_000;
const RELOADS = Number(process.env.TALLY_TEST_CYCLES ?? RELOADS_KEPT);
const startedAt = new Date();

test(
  `${RELOADS} reloads: nobody is ended who may stay, and no right outlives its reload by a second`,
  async () => {
    const found = await changeSecurityUnderLoad(RELOADS, sayTenths('reloads', RELOADS));
    expect(found).toMatchObject({ reloads: RELOADS, wronglyEnded: 0, wronglyAccepted: 0 });
    expect(Math.min(found.refused, found.ended, found.forbidden)).toBeGreaterThan(0);
    console.log(JSON.stringify(found));
    if (RELOADS < RELOADS_KEPT) return;
    const how = 'certificates, tokens, rights and limits change under load';
    keep('reload-security', 'npm run long -- test/long/reload-security.test.ts', startedAt, [
      figure(how, 'reloads', 'higher', found.reloads),
      figure(how, 'of them broken, and refused', 'higher', found.refused),
      figure(how, 'events accepted', 'higher', found.accepted),
      figure(how, 'events refused, as the right was gone', 'higher', found.forbidden),
      figure(how, 'connections ended, as their token was revoked', 'higher', found.ended),
      figure(how, 'connections ended that may stay', 'lower', found.wronglyEnded),
      figure(how, 'ms that a right was used after its reload, at most', 'lower', found.longestMs),
    ]);
  },
  60_000 + RELOADS * 2_000,
);
