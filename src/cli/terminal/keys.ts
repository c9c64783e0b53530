/** Keys, one after the other, as they are typed. */
import { holdTerminal, pause } from './pausing.ts';
import { isTerminal } from './terminal.ts';

export const CTRL_C = '\u0003';
export const CTRL_D = '\u0004';
const CTRL_Z = '\u001a';

/** On a terminal only, until the function that is returned is called. Ctrl+C is a key here; Ctrl+Z does what it does. */
export function onKeys(listener: (key: string) => void): () => void {
  const keyboard = process.stdin;
  if (!isTerminal(keyboard)) return () => {};
  const restore = () => keyboard.setRawMode(false);
  const takeUp = () => {
    // Node sets no mode that it believes to be set.
    restore();
    keyboard.setRawMode(true);
  };
  const onText = (text: string) => {
    for (const key of text) {
      if (key === CTRL_Z) pause();
      else listener(key);
    }
  };
  takeUp();
  process.on('exit', restore);
  const letGo = holdTerminal({ leave: restore, takeUp });
  keyboard.setEncoding('utf8').on('data', onText);
  keyboard.resume();
  return () => {
    letGo();
    process.off('exit', restore);
    keyboard.off('data', onText);
    keyboard.pause();
    restore();
  };
}
