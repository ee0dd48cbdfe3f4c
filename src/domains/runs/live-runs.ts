/*
 * The runs that this process is working at the moment, so that a cancellation reaches a model call in flight at once.
 * It is a shortcut: the flag in the run's row, read with every journal write, is what holds across processes.
 */

const live = new Map<string, AbortController>()

/** Registers a run for as long as it is worked here; the signal is aborted when it is cancelled. */
export function enterLiveRun(runId: string): { readonly signal: AbortSignal; leave(): void } {
  const controller = new AbortController()
  live.set(runId, controller)
  return {
    signal: controller.signal,
    leave: () => {
      if (live.get(runId) === controller) live.delete(runId)
    },
  }
}

/** Aborts what the run is waiting for in this process, if it is worked here. */
export const interruptLiveRun = (runId: string): void => live.get(runId)?.abort()
