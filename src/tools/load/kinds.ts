/** What a line asks for. */

/**
 * The first three move money. `event` may be answered `accepted`; `wait` and `transfer` must be answered with the
 * balance.
 */
export const Kind = {
  event: 0,
  wait: 1,
  transfer: 2,
  balance: 3,
  metrics: 4,
  health: 5,
  garbage: 6,
} as const;

export function movesMoney(kind: number): boolean {
  return kind <= Kind.transfer;
}
