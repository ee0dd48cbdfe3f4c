import type { WeighedItem } from './log-rows.ts'

/** A queue that gives up its oldest without moving the rest each time. */
class Shelf {
  #items: WeighedItem[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  push(item: WeighedItem): void {
    this.#items.push(item)
  }

  shift(): WeighedItem | undefined {
    const item = this.#items[this.#first]
    if (item === undefined) return undefined
    this.#first += 1
    if (this.#first > 64 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }

  /** The same without the workspace's items. */
  without(workspaceId: string): Shelf {
    const left = new Shelf()
    left.#items = this.#items.slice(this.#first).filter(({ event }) => event.workspaceId !== workspaceId)
    return left
  }

  /** The items with a position above `position`, by bisection. */
  above(position: bigint): WeighedItem[] {
    let low = this.#first
    let high = this.#items.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const item = this.#items[middle]
      if (item !== undefined && item.event.position <= position) low = middle + 1
      else high = middle
    }
    return this.#items.slice(low)
  }
}

/** The newest events of the log, in order, as many as fit into `maxBytes`. */
export class Ring {
  readonly #maxBytes: number
  #all = new Shelf()
  #byWorkspace = new Map<string, Shelf>()
  /** Of workspaces of which it has forgotten something: the position after which it holds everything of theirs. */
  readonly #starts = new Map<string, bigint>()
  #bytes = 0
  #start: bigint

  /** `start`: the position after which it will hold everything. */
  constructor(maxBytes: number, start: bigint) {
    this.#maxBytes = maxBytes
    this.#start = start
  }

  push(item: WeighedItem): void {
    const { workspaceId } = item.event
    let shelf = this.#byWorkspace.get(workspaceId)
    if (shelf === undefined) {
      shelf = new Shelf()
      this.#byWorkspace.set(workspaceId, shelf)
    }
    shelf.push(item)
    this.#all.push(item)
    this.#bytes += item.bytes
    while (this.#bytes > this.#maxBytes) this.#dropOldest()
  }

  /** The workspace's events above `after`; undefined when the ring does not reach back that far. */
  since(after: bigint, workspaceId: string): readonly WeighedItem[] | undefined {
    if (after < this.#start || after < (this.#starts.get(workspaceId) ?? 0n)) return undefined
    return this.#byWorkspace.get(workspaceId)?.above(after) ?? []
  }

  /** Gives up what it holds of a workspace, up to `position`; of others it reaches back as far as before. */
  forget(workspaceId: string, position: bigint): void {
    for (const [known, start] of this.#starts) if (start <= this.#start) this.#starts.delete(known)
    this.#starts.set(workspaceId, position)
    for (const { bytes } of this.#byWorkspace.get(workspaceId)?.above(0n) ?? []) this.#bytes -= bytes
    this.#byWorkspace.delete(workspaceId)
    this.#all = this.#all.without(workspaceId)
  }

  #dropOldest(): void {
    const item = this.#all.shift()
    if (item === undefined) return
    const { workspaceId, position } = item.event
    const shelf = this.#byWorkspace.get(workspaceId)
    shelf?.shift() // both are in the log's order, so it is the same item
    if (shelf?.length === 0) this.#byWorkspace.delete(workspaceId)
    this.#bytes -= item.bytes
    this.#start = position
  }
}
