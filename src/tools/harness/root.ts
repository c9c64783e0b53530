/** The package's folder, with a slash. Compiled, this file lies one folder deeper. */
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../../' : '../../../../', import.meta.url),
);
