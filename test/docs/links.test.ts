/**
 * Every link in the documents leads somewhere: to a file, spelt as it is spelt, to a heading, or to a sound address. So
 * does what is named without a link: a file in code, and an address of the live server.
 */
import { describe, expect, test } from 'vitest';
import { allCommands } from './commands.ts';
import { addressMistake, anchorsIn, isExternal, linksOf, mistakeOf, undefinedIn } from './links.ts';
import { pageOf, pagesUnder } from './pages.ts';
import { addressesIn, fileMistake, filesIn, placeMistake } from './places.ts';

const pages = pagesUnder('.');
const links = pages.flatMap(linksOf);

describe('the extractor', () => {
  const page = pageOf(
    'docs/page.md',
    [
      '[one](load.md) ![two](graphs/a.svg "title") [three][ref] `[not](code.md)` [four](<a b.md>)',
      '<picture><source srcset="dark.svg 1x, dark2.svg 2x"><img src=\'light.svg\' alt=""></picture>',
      '| [![five](six.svg)](seven.md#part) |',
      '<!-- [not](comment.md) --> <https://example.org/x> [eight](https://example.org/a_(b))',
      '```sh',
      '[not](block.md)',
      '```',
      '[ref]: nine.md "title"',
      '[ten][no-such] <a href="#here">eleven</a>',
    ].join('\n'),
  );

  test('finds links in text, tables, pictures and HTML, and none in code', () => {
    expect(linksOf(page).map(({ where, to }) => [Number(where.split(':')[1]), to])).toEqual([
      [1, 'load.md'],
      [1, 'graphs/a.svg'],
      [1, 'a b.md'],
      [3, 'six.svg'],
      [3, 'seven.md#part'],
      [4, 'https://example.org/a_(b)'],
      [8, 'nine.md'],
      [4, 'https://example.org/x'],
      [2, 'dark.svg'],
      [2, 'dark2.svg'],
      [2, 'light.svg'],
      [9, '#here'],
    ]);
    expect(undefinedIn(page)).toEqual([{ where: 'docs/page.md:9', name: 'no-such' }]);
  });

  test('knows the anchors of headings, also of those that come twice, and of HTML', () => {
    const text = '# Ten `x`, *so* & [that](a.md)!\n## Part\n```sh\n# not\n```\n## Part\n<a id="own"></a>\n';
    expect([...anchorsIn(text)]).toEqual(['ten-x-so--that', 'part', 'part-1', 'own']);
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
    expect(mistakeOf({ where: '', page, to })).toContain(why);
  });

  test.each(['ftp://example.org', 'https://example', 'https://exa mple.org', 'https:example'])(
    'refuses the address %j',
    to => expect(addressMistake(to)).toBeDefined(),
  );
});

test('those within the project lead to files and headings that are there', () => {
  expect(links.length).toBeGreaterThan(100);
  const wrong = links
    .filter(({ to }) => !isExternal(to))
    .flatMap(link => {
      const mistake = mistakeOf(link);
      return mistake === undefined ? [] : [`${link.where}: ${link.to}: ${mistake}`];
    });
  expect(wrong).toEqual([]);
});

test('those by reference are defined', () => {
  expect(pages.flatMap(undefinedIn)).toEqual([]);
});

describe('what is named without a link', () => {
  test('is found: files, and paths of the live server', () => {
    const code =
      'node src/cli/main.ts:3 docs/none.md --json=bench/x.json src/… steps/NN-name/ test/*.ts ./steps/kit/';
    expect(filesIn(code)).toEqual(['src/cli/main.ts', 'docs/none.md', 'bench/x.json', './steps/kit/']);
    const page = pageOf('docs/page.md', '');
    expect(['docs/none.md', 'src/CLI.ts'].map(file => fileMistake(file, page))).toEqual([
      'there is no docs/none.md',
      'there is no CLI.ts, but cli.ts',
    ]);
    // From the page on, too.
    expect(fileMistake('../src/cli/main.ts', page)).toBeUndefined();
    const paths = addressesIn(
      'curl -s http://127.0.0.1:9100/metricks localhost:9100/healthz. 127.0.0.1:7878',
    );
    expect(paths).toEqual(['/metricks', '/healthz']);
    expect(placeMistake('/metricks')).toContain('has no /metricks; it has /');
    expect(['/', '/metrics', '/healthz', '/readyz'].map(placeMistake).filter(Boolean)).toEqual([]);
  });

  test('files are there', () => {
    const named = [
      ...pages.flatMap(page => page.spans.map(({ text, line }) => ({ page, line, code: text }))),
      ...allCommands().flatMap(({ page, line, calls }) =>
        calls.map(({ words }) => ({ page, line, code: words.join(' ') })),
      ),
    ];
    const wrong = named.flatMap(({ page, line, code }) =>
      filesIn(code).flatMap(file => {
        const mistake = fileMistake(file, page);
        return mistake === undefined ? [] : [`${page.path}:${line}: ${mistake}`];
      }),
    );
    expect(named.flatMap(({ code }) => filesIn(code)).length).toBeGreaterThan(20);
    expect([...new Set(wrong)]).toEqual([]);
  });

  test('addresses of the live server are answered', () => {
    const wrong = pages.flatMap(({ path, text }) =>
      addressesIn(text).flatMap(address => {
        const mistake = placeMistake(address);
        return mistake === undefined ? [] : [`${path}: ${mistake}`];
      }),
    );
    expect(wrong).toEqual([]);
  });
});

test('those to elsewhere are addresses', () => {
  const wrong = links
    .filter(({ to }) => isExternal(to))
    .flatMap(({ where, to }) => {
      const mistake = addressMistake(to);
      return mistake === undefined ? [] : [`${where}: ${to}: ${mistake}`];
    });
  expect(wrong).toEqual([]);
});

test('none leads to a place beside the project, in words either', () => {
  const beside = pages.flatMap(({ path, text }) =>
    (text.match(/\.\.\/shared\b/g) ?? []).map(found => `${path}: ${found}`),
  );
  expect(beside).toEqual([]);
});
