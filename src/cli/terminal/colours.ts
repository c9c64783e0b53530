/** Colours, on a terminal, unless the user has disabled them. */

import { styleText } from 'node:util';
import { hasColour } from './terminal.ts';

type Style = Parameters<typeof styleText>[0];

export type Paint = (style: Style, text: string) => string;

export function painterFor(out: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Paint {
  const isColoured = hasColour(out, environment);
  return (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text);
}
