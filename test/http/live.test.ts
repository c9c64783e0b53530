/** The live page in a real browser: what it shows is what the wire says, in both themes, with the keyboard alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { JournalDetail } from '../../src/journal/detail.ts';
import { Client } from '../../src/tools/harness/client.ts';
import { until } from '../../src/tools/harness/waiting.ts';
import { askMetrics, buyLine, FREEZE, type Metrics, THAW } from '../support/asking.ts';
import { Chromium, findChromium } from '../support/chromium.ts';
import { newFolder } from '../support/folders.ts';
import { type HttpServer, startHttpServer } from '../support/http.ts';
import { startServer } from '../support/server.ts';
import { Strangers } from '../support/strangers.ts';

const file = findChromium();
const RING = 256;
const USERS = 40;
/** A browser on a busy machine takes its time. */
const START_MS_MAX = 60_000;
if (file === undefined)
  console.warn('skipped: there is no chromium (nor google-chrome) here to show the live page in');

describe.skipIf(file === undefined)('the live page, in Chromium', () => {
  let server: HttpServer;
  let client: Client;
  let page: Chromium;

  beforeAll(async () => {
    server = await startHttpServer(['--workers', '2', '--ring', `${RING}`, '--debug-requests']);
    client = await Client.open(server.port);
    page = await Chromium.start(file!);
    await page.resize(1280, 800);
    await page.open(`http://127.0.0.1:${server.http}/`);
    await shows('state-word', 'serving');
  }, START_MS_MAX);

  afterAll(async () => {
    await page?.close();
    client?.close();
    await server?.stop('SIGTERM', 'SIGINT');
  });

  const textOf = (id: string) => page.evaluate<string>(`document.getElementById('${id}').textContent`);
  const figureOf = async (id: string) =>
    Number(await page.evaluate<string>(`document.getElementById('${id}').dataset.value`));
  const shows = (id: string, text: string) =>
    until(async () => (await textOf(id)) === text, `${id}: ${text}`);

  test('its ring, its counts and its shards are those of the wire', async () => {
    await client.ask(FREEZE);
    for (let event = 0; event < 400; event++) client.send(buyLine(`u${event % USERS}`, 1));
    client.send('no event\n'.repeat(7));
    await client.lines(407);
    const wire = (await askMetrics(client)) as Metrics &
      Record<'accepted' | 'users', number> & { ring_depths: number[] };
    await until(async () => (await figureOf('received')) === wire.received, 'the counts on the page');

    const depths = await page.evaluate<string[]>(
      `Array.from(document.querySelectorAll('.ring'), ring => ring.dataset.depth + ' ' + ring.querySelector('.depth').textContent)`,
    );
    expect(depths).toEqual(wire.ring_depths.map(depth => `${depth} ${depth}`));
    // What is filled is drawn in proportion.
    const filled = await page.evaluate<string[]>(
      `Array.from(document.querySelectorAll('.ring .used'), used => used.style.strokeDasharray)`,
    );
    expect(filled.map(dash => Math.round(Number.parseFloat(dash) * RING * 100) / 100)).toEqual(
      wire.ring_depths,
    );
    for (const name of ['received', 'processed', 'dropped', 'invalid', 'connections', 'users'] as const)
      expect(await figureOf(name), name).toBe(wire[name]);
    expect(await figureOf('ledger-queued')).toBe(wire.queued);
    expect(await figureOf('server_busy')).toBe(wire.refused.server_busy);

    await page.evaluate(`document.getElementById('heat-details').open = true`);
    const table = () =>
      page.evaluate<number[][]>(
        `Array.from(document.querySelectorAll('#heat-rows tr'), row => Array.from(row.cells, cell => Number(cell.textContent)))`,
      );
    await until(async () => (await table()).length === 256, 'the table of shards');
    const rows = await table();
    expect(rows.map(([shard]) => shard)).toEqual(Array.from({ length: 256 }, (_, shard) => shard));
    expect(rows.reduce((sum, row) => sum + row[3]!, 0)).toBe(wire.users);

    await client.ask(THAW);
    await until(async () => (await figureOf('queued')) === 0, 'empty rings on the page');
    const { processed } = await askMetrics(client);
    expect(processed).toBe(wire.accepted);
    await until(async () => (await figureOf('processed')) === processed, 'all processed on the page');
  });

  test('has one number for one word: a curve ends with what the figure says', async () => {
    // Both in one turn of the page, so that no look comes between.
    const pairs = () =>
      page.evaluate<[string, string][]>(
        `['applied', 'refused'].map((word, at) =>
          [document.getElementById(word + '-rate').textContent, document.querySelectorAll('.chart .names b')[at].textContent])`,
      );
    for (let event = 0; event < 100; event++) client.send(buyLine('alice', 1));
    await client.lines(100);
    let shown: [string, string][] = [];
    await until(async () => {
      shown = await pairs();
      return Number.parseFloat(shown[0]![0]) > 0;
    }, 'the events on the page');
    for (const [figure, curve] of shown) expect(curve).toBe(figure);
  });

  test('follows the theme of the system, and is legible in both', async () => {
    for (const scheme of ['dark', 'light']) {
      await page.prefer({ 'prefers-color-scheme': scheme });
      const contrasts = await page.evaluate<[string, number][]>(CONTRASTS);
      expect(contrasts.length, scheme).toBeGreaterThan(20);
      expect(
        contrasts.filter(([, contrast]) => contrast < 4.5),
        scheme,
      ).toEqual([]);
      const ground = await page.evaluate<string>(
        'getComputedStyle(document.documentElement).backgroundColor',
      );
      expect(ground).toBe(scheme === 'dark' ? 'rgb(13, 17, 23)' : 'rgb(255, 255, 255)');
    }
  });

  test('is used with the keyboard, and shows where it is', async () => {
    const reached: string[] = [];
    await page.evaluate(
      `document.activeElement.blur(), (document.getElementById('heat-details').open = true)`,
    );
    for (let step = 0; step < 10; step++) {
      await page.press('Tab', 9);
      const [name, outline] = await page.evaluate<[string, string]>(
        `(() => { const at = document.activeElement;
          return [at.id || at.name || at.tagName + ' ' + (at.getAttribute('href') ?? ''), getComputedStyle(at.name ? at.nextElementSibling : at).outlineStyle]; })()`,
      );
      reached.push(name);
      expect(outline, name).not.toBe('none');
    }
    expect(reached).toEqual([
      ...['window', 'pause', 'heat', 'heat', 'SUMMARY ', 'heat-table', 'charts'],
      ...['A /metrics', 'A /readyz', 'A /healthz'],
    ]);

    const focus = (what: string) => page.evaluate(`document.querySelector('${what}').focus()`);
    await focus('input[name=window]');
    await page.press('ArrowRight', 39);
    expect(await textOf('window-name')).toBe('5 minutes');
    await focus('#heat');
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown']) await page.press(key);
    expect(await textOf('heat-readout')).toMatch(
      /^Shard 33, of worker 1: about [\d.]+ events\/s, \d+ users?\.$/,
    );
    expect(await textOf('heat-said')).toBe(await textOf('heat-readout'));
    await focus('#charts');
    await page.press('ArrowLeft');
    expect(await textOf('cursor-note')).toMatch(/^As it was \d+ s ago\.$/);

    await focus('#pause');
    await page.press('Enter', 13);
    expect(await textOf('state-word')).toBe('paused');
    await client.ask(buyLine('late', 1));
    await page.press('Enter', 13);
    await shows('state-word', 'serving');
    const { received } = await askMetrics(client);
    await until(async () => (await figureOf('received')) === received, 'what came while it was paused');
  });

  test('moves nothing where motion is not wanted', async () => {
    await page.prefer({ 'prefers-reduced-motion': 'reduce' });
    const durations = await page.evaluate<string[]>(
      `Array.from(document.querySelectorAll('*'), element => getComputedStyle(element).transitionDuration)`,
    );
    expect(new Set(durations)).toEqual(new Set(['0s']));
    await page.prefer({});
  });

  test('is no wider than a phone', async () => {
    await page.resize(390, 844);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(390);
    await page.resize(1280, 800);
  });

  test('loads nothing from elsewhere, and has nothing to complain of', () => {
    const here = `http://127.0.0.1:${server.http}/`;
    expect(page.requested.filter(url => !url.startsWith(here))).toEqual([]);
    expect(page.requested.filter(url => url.endsWith('/live.json')).length).toBeGreaterThan(3);
    expect(page.complaints).toEqual([]);
  });

  test('says that the server drains, and then that it is gone', async () => {
    await client.ask(FREEZE);
    await client.ask(buyLine('last', 1));
    const stopped = server.stop('SIGTERM');
    await shows('state-word', 'draining');
    expect(await textOf('banner')).toMatch(/^The server is shutting down/);
    client.send(THAW);
    expect((await stopped).exitCode).toBe(0);
    await shows('state-word', 'gone');
    expect(await textOf('banner')).toMatch(/Trying again\.$/);
  });

  test('goes on with the server that comes in its place, and has nothing of the one before', async () => {
    expect(await page.evaluate(`document.getElementById('journal').hidden`)).toBe(true);
    const data = mkdtempSync(join(tmpdir(), 'tally-page-'));
    const next = await startServer(['--http', `${server.http}`, '--workers', '3', '--data', data]);
    try {
      await shows('workers', '3 of 3');
      await shows('state-word', 'serving');
      expect(await figureOf('received')).toBe(0);
      expect(await page.evaluate(`document.querySelectorAll('.ring').length`)).toBe(3);

      // And with what only this one has: a journal.
      expect(await page.evaluate(`document.getElementById('journal').hidden`)).toBe(false);
      const payer = await Client.open(next.port);
      const wait = buyLine('alice', 1).replace('}', ',"wait":true}');
      for (let event = 0; event < 20; event++) await payer.ask(wait);
      const { journal } = (await askMetrics(payer)) as unknown as { journal: JournalDetail };
      await until(async () => (await figureOf('journal-bytes')) === journal.bytes, 'what was written');
      expect(journal.bytes).toBeGreaterThan(20 * 64);
      expect(await figureOf('journal-full')).toBe(0);
      // Of the last moments only, so they must not be without a write.
      const p99 = async () => {
        await payer.ask(wait);
        return /^< [\d.,]+ ms$/.test(await textOf('journal-p99'));
      };
      await until(p99, 'how long writes take');
      payer.close();
    } finally {
      await next.stop();
      rmSync(data, { recursive: true });
    }
  });

  test('is shown to a browser that gives a token, which is asked for once, and says when it holds no longer', async () => {
    const folder = newFolder();
    const strangers = new Strangers(folder);
    const { reader, tokenFlags, tlsFlags } = strangers;
    const guarded = await startHttpServer(['--workers', '1', ...tokenFlags, ...tlsFlags]);
    onTestFinished(async () => void (await guarded.stop()));
    const reload = async (...without: string[]) => {
      const { length } = guarded.events;
      strangers.writeTokens(strangers.lines(...without));
      guarded.process.kill('SIGHUP');
      await until(() => guarded.events.slice(length).some(({ event }) => event === 'reloaded'), 'a reload');
    };
    const open = (host: string) => page.open(`https://${host}:${guarded.http}/`);
    await page.trustAll();
    await page.typePassword(undefined);
    await open('localhost');
    expect(await page.evaluate('document.body.textContent')).toMatch(/^unauthorized: /);
    await page.typePassword(reader);
    await open('localhost');
    await shows('state-word', 'serving');
    expect(page.asked).toBe(2);

    await reload('reader');
    await shows('state-word', 'locked');
    expect(await textOf('banner')).toMatch(/Load the page again/);
    await reload();
    // No dialog has come up meanwhile. A browser forgets a password that was refused once.
    expect(page.asked).toBe(2);
    await open('localhost');
    await shows('state-word', 'serving');
    expect(page.asked).toBe(3);
    // With the token in the address of the page, which no script may use.
    await open(`anybody:${reader}@127.0.0.1`);
    await shows('state-word', 'serving');
    expect(page.asked).toBe(3);
  });
});

/** In the page: each text that is shown, with its contrast to what is behind it (WCAG 2.1, relative luminance). */
const CONTRASTS = `(() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const linear = [red, green, blue].map(part => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const groundOf = element => {
    for (let at = element; at; at = at.parentElement) {
      const ground = channels(getComputedStyle(at).backgroundColor);
      if (ground[3] !== 0) return ground;
    }
  };
  return Array.from(document.querySelectorAll('body *'))
    .filter(element => Array.from(element.childNodes).some(node => node.nodeType === 3 && node.data.trim() !== ''))
    .filter(element => element.checkVisibility() && !element.closest('noscript, script'))
    .map(element => {
      const style = getComputedStyle(element);
      const text = luminance(channels(element.ownerSVGElement ? style.fill : style.color));
      const ground = luminance(groundOf(element));
      return [element.textContent.trim().slice(0, 40), (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05)];
    });
})()`;
