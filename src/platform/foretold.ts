// What will come of a change outside its transaction: said where it is decided, and heard by dry runs alone.

/** What is sent or set going once the change is committed. */
export type Effect =
  /** A run is put into the queue: a model works it, and what that costs nobody knows before. */
  | { readonly kind: 'RUN_QUEUED'; readonly id: string }
  /** So many runs that stand still go on. */
  | { readonly kind: 'RUNS_WOKEN'; readonly count: number }
  /** The model call of a run is broken off. */
  | { readonly kind: 'RUN_INTERRUPTED'; readonly id: string }
  /** What came of somebody, by their public id, is looked for and emptied: how much that is shows when it is done. */
  | { readonly kind: 'ERASURE_QUEUED'; readonly of: string }
  /** A mail goes out. */
  | { readonly kind: 'MAIL'; readonly to: string }
  /** Another server is signed in at first, and what it refuses is refused. */
  | { readonly kind: 'SIGN_IN'; readonly at: string }

/** What a person is asked to allow. */
export interface AskedApproval {
  readonly tool: string
  readonly title: string
  readonly risk: string
}

/** What has been said so far of one change. */
export class Foretold {
  #effects: Effect[] = []
  #approvals: AskedApproval[] = []
  #reservedMicros = 0n

  get effects(): readonly Effect[] {
    return this.#effects
  }

  get approvals(): readonly AskedApproval[] {
    return this.#approvals
  }

  /** What model calls will cost, in micro-dollars; undefined where that is known only when they are made. */
  get costMicros(): bigint | undefined {
    const isOpen = this.#effects.some(({ kind }) => kind === 'RUN_QUEUED' || kind === 'RUNS_WOKEN')
    return isOpen ? undefined : this.#reservedMicros
  }

  effect(effect: Effect): void {
    this.#effects.push(effect)
  }

  approval(approval: AskedApproval): void {
    this.#approvals.push(approval)
  }

  reserved(micros: bigint): void {
    this.#reservedMicros += micros
  }

  /** The change is tried anew: nothing has been said. */
  clear(): void {
    this.#effects = []
    this.#approvals = []
    this.#reservedMicros = 0n
  }
}

/** Says what will be sent or set going when this transaction has committed; whoever says it also sees to it, by then. */
export function foretellEffect(ctx: { readonly foretold?: Foretold }, effect: Effect): void {
  ctx.foretold?.effect(effect)
}
