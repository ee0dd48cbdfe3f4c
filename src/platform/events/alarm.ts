import type { Clock } from '../lib/clock.ts'

/** A wait that a ring ends. A ring that nobody waits for is kept, once, for the next who does. */
export class Alarm {
  #rung = false
  #sleeper: AbortController | undefined

  ring(): void {
    this.#rung = true
    this.#sleeper?.abort()
  }

  /** Resolves when it rings or has rung (true), or after `ms` (false); what had rung is then forgotten. */
  async wait(clock: Clock, ms: number): Promise<boolean> {
    if (!this.#rung && ms > 0) {
      const sleeper = new AbortController()
      this.#sleeper = sleeper
      try {
        await clock.sleep(ms, sleeper.signal)
      } catch (err) {
        if (!sleeper.signal.aborted) throw err
      } finally {
        this.#sleeper = undefined
      }
    }
    const rung = this.#rung
    this.#rung = false
    return rung
  }
}
