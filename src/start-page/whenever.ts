import type { Clock } from '../platform/lib/clock.ts'

/**
 * What `look` finds, at once and again whenever something has happened since it began to look, however much that was; at
 * most once in `pauseMs`. Ends when the happenings do, and throws what they throw: the signal must end them.
 */
export async function* whenever<Found>(
  happenings: AsyncIterable<unknown>,
  { pauseMs, clock, signal }: { readonly pauseMs: number; readonly clock: Clock; readonly signal: AbortSignal },
  look: () => Promise<Found>,
): AsyncGenerator<Found> {
  let happened = false
  let end: { readonly fault?: unknown } | undefined
  let wake = (): void => {}
  void (async () => {
    try {
      for await (const _ of happenings) {
        happened = true
        wake()
      }
      end = {}
    } catch (fault) {
      end = { fault }
    }
    wake()
  })()
  for (;;) {
    happened = false
    yield await look()
    // Aborted, it is over in a moment.
    await clock.sleep(pauseMs, signal).catch(() => {})
    if (!happened && end === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    if (end !== undefined) break
  }
  if ('fault' in end) throw end.fault
}
