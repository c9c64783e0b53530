/** How far the reader has come, kept in a file of the reader's own. */

/** A step was run; its pain was felt; a server of the reader's own passed its check. */
export type Deed = 'ran' | 'felt' | 'checked';

/** Never fails: what cannot be kept is forgotten. */
export function remember(_step: number, _deed: Deed): void {}
