/**
 * Every link in the documents leads somewhere: to a file, spelt as it is spelt, to a heading, or to a sound address. So
 * does what is named without a link: a file in code, and an address of the live server.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  addressMistake,
  anchorsIn,
  fileMistake,
  filesIn,
  isExternal,
  linksOf,
  mistakeOf,
  otherLinksIn,
} from './links.ts';
import { allPages, pageOf, ROOT } from './pages.ts';

const pages = allPages();
const links = pages.flatMap(linksOf);
/** `where: what: why` of each that has something wrong. */
const wrongOf = <Item>(
  items: Item[],
  where: (item: Item) => string,
  mistake: (item: Item) => string | undefined,
) => items.flatMap(item => (mistake(item) === undefined ? [] : [`${where(item)}: ${mistake(item)}`]));

describe('the extractor', () => {
  const page = pageOf(
    'docs/page.md',
    [
      '[one](load.md) ![two](graphs/a.svg "title") `[not](code.md)`',
      '<picture><source srcset="dark.svg 1x, dark2.svg 2x"><img src="light.svg" alt=""></picture>',
      '| [![five](six.svg)](seven.md#part) |',
      '<!-- [not](comment.md) --> <https://example.org/x> [eight](https://example.org/a_(b))',
      '```sh',
      '[not](block.md)',
      '```',
      '[ten][no-such] <a href="#here">eleven</a>',
      '[nine]: nine.md',
    ].join('\n'),
  );

  test('finds links in text, tables, pictures and HTML, and none in code', () => {
    expect(linksOf(page).map(({ where, to }) => `${where.split(':')[1]} ${to}`)).toEqual([
      ...['1 load.md', '1 graphs/a.svg', '2 dark.svg', '2 dark2.svg', '2 light.svg', '3 six.svg'],
      ...['3 seven.md#part', '4 https://example.org/x', '4 https://example.org/a_(b)', '8 #here'],
    ]);
    expect(otherLinksIn(page)).toEqual(['][no-such]', '[nine]: nine.md']);
  });

  test('knows the anchors of headings, also of those that come twice, and of HTML', () => {
    const text = '# Ten `x`, *so* & [that](a.md)!\n## Part\n```sh\n# not\n```\n## Part\n<a id="own"></a>\n';
    expect(anchorsIn(text)).toEqual(['ten-x-so--that', 'part', 'part-1', 'own']);
  });

  test.each([
    ['load.md#a-verdict-that-is-not', 'has no #'],
    ['LOAD.md', 'but load.md'],
    ['../../elsewhere.md', 'leads out'],
    ['/docs/load.md', 'begins at the root'],
    ['graphs/none.svg', 'there is no'],
    ['../src/cli/main.ts#L3', 'has an anchor'],
    ['', 'leads nowhere'],
  ])('refuses %j', (to, why) => {
    expect(mistakeOf({ page, to })).toContain(why);
  });

  test.each(['ftp://example.org', 'https://example', 'https://exa mple.org', 'https:example'])(
    'refuses the address %j',
    to => expect(addressMistake(to)).toBeDefined(),
  );

  test('finds the files that code names', () => {
    const code =
      'node src/cli/main.ts:3 docs/none.md --json=bench/x.json src/… steps/NN-name/ test/*.ts ./steps/kit/';
    expect(filesIn(code)).toEqual(['src/cli/main.ts', 'docs/none.md', 'bench/x.json', './steps/kit/']);
    const mistakes = ['docs/none.md', 'src/cli/Main.ts', '../src/cli/main.ts'].map(file =>
      fileMistake(file, page),
    );
    expect(mistakes).toEqual(['there is no docs/none.md', 'there is no Main.ts, but main.ts', undefined]);
  });
});

test('links within the project lead to files and headings that are there', () => {
  const within = links.filter(({ to }) => !isExternal(to));
  expect(within.length).toBeGreaterThan(100);
  expect(wrongOf(within, ({ where, to }) => `${where}: ${to}`, mistakeOf)).toEqual([]);
});

test('links to elsewhere are addresses', () => {
  const external = links.filter(({ to }) => isExternal(to));
  expect(
    wrongOf(
      external,
      ({ where, to }) => `${where}: ${to}`,
      ({ to }) => addressMistake(to),
    ),
  ).toEqual([]);
});

test('no page writes links or blocks in a way that is not looked for', () => {
  expect(pages.flatMap(page => otherLinksIn(page).map(other => `${page.path}: ${other}`))).toEqual([]);
  const odd = pages.flatMap(({ path, prose }) =>
    (prose.match(/^.*(?:```|~~~).*$/gm) ?? []).map(row => `${path}: ${row}`),
  );
  expect(odd).toEqual([]);
});

test('files that code names are there', () => {
  const named = pages.flatMap(page =>
    [...page.spans, ...page.blocks.filter(({ language }) => language === 'sh')].flatMap(({ text, line }) =>
      filesIn(text).map(file => ({ page, line, file })),
    ),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(
    wrongOf(
      named,
      ({ page, line }) => `${page.path}:${line}`,
      ({ file, page }) => fileMistake(file, page),
    ),
  ).toEqual([]);
});

test('addresses of the live server are answered', () => {
  const routes = readFileSync(join(ROOT, 'src/http/routes.ts'), 'utf8');
  const served = [
    ...readdirSync(join(ROOT, 'src/http/page')).map(name => (name === 'live.html' ? '/' : `/${name}`)),
    ...[...routes.matchAll(/case '(\/[^']*)'/g)].map(match => match[1]!),
  ];
  expect(served).toEqual(expect.arrayContaining(['/', '/metrics', '/healthz', '/readyz']));
  const found = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/(?:127\.0\.0\.1|localhost|\[::1\]):(?:\d+|[A-Z]+)(\/[\w./-]*)/g)].map(
      // The full stop behind it ends the sentence.
      match => ({ path, address: match[1]!.replace(/\.+$/, '') }),
    ),
  );
  expect(found.length).toBeGreaterThan(5);
  expect(found.filter(({ address }) => !served.includes(address))).toEqual([]);
});
