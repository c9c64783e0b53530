/** The smallest of the samples that this share of them does not exceed: 0.5 is the median, 1 the greatest. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]!;
}
