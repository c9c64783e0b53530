/** Colours, for whoever reads on a terminal and has not asked for none. */

import { styleText } from 'node:util';
import { hasColour } from './terminal.ts';

type Style = Parameters<typeof styleText>[0];

export type Paint = (style: Style, text: string) => string;

export function painterFor(out: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Paint {
  const isColoured = hasColour(out, environment);
  return (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text);
}
