/** How long to wait after the n-th failure in a row (from 1): doubles from 50 ms to `maxMs`, half of it at random. */
export function backoffMs(failures: number, maxMs = 2_000): number {
  const full = Math.min(maxMs, 50 * 2 ** Math.min(failures - 1, 16))
  return full / 2 + (Math.random() * full) / 2
}
