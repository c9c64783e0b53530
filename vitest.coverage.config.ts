import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig, type Plugin } from 'vitest/config';
import suite from './vitest.config.ts';

const SRC = fileURLToPath(new URL('src/', import.meta.url));
const COMPILED = fileURLToPath(new URL('dist/src/', import.meta.url));

/** The tests run what the compiler made, as servers do, so that its parts are at the same places wherever they run. */
const compiled: Plugin = {
  name: 'compiled',
  enforce: 'pre',
  resolveId(name, importer = '') {
    const path = resolve(dirname(importer), name);
    if (!path.startsWith(SRC) || !path.endsWith('.ts')) return undefined;
    return path.replace(SRC, COMPILED).replace(/\.ts$/, '.js');
  },
};

/** The suite as `npm run coverage` runs it: counting makes everything slower, so nothing is late for a while longer. */
export default mergeConfig(
  suite,
  defineConfig({
    plugins: [compiled],
    test: {
      setupFiles: ['test/covering/setup.ts'],
      server: { deps: { inline: [/\/dist\/src\//] } },
      testTimeout: 120_000,
    },
  }),
);
