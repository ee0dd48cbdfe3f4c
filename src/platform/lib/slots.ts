/** At most `size` at a time; the others wait in the order they came. */
export class Slots {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(size: number) {
    this.#free = size
  }

  /** How many wait for a slot. */
  get waiting(): number {
    return this.#queue.length
  }

  /** Runs `work` when a slot is free. */
  async with<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#queue.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}

/** At most `size` at a time, and one of each key: whoever asks for much waits behind who asks for little. */
export class SlotsByKey {
  readonly #slots: Slots
  readonly #byKey = new Map<string, { readonly slots: Slots; users: number }>()

  constructor(size: number) {
    this.#slots = new Slots(size)
  }

  /** Runs `work` when nothing else of its key runs and a slot is free. */
  async with<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const own = this.#byKey.get(key) ?? { slots: new Slots(1), users: 0 }
    this.#byKey.set(key, own)
    own.users += 1
    try {
      // One of each key at most waits for the slots of all.
      return await own.slots.with(() => this.#slots.with(work))
    } finally {
      own.users -= 1
      if (own.users === 0) this.#byKey.delete(key)
    }
  }
}
