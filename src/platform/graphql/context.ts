import type { Ctx } from '../context.ts'
import type { Names } from '../events/event.ts'
import type { EventFeed } from '../events/feed.ts'
import type { EventTypes } from '../events/registry.ts'

/** What one execution has loaded; made anew for every event of a subscription, else it would show the past. */
export class Loaders {
  readonly #loaders = new Map<string, unknown>()

  /** The loader of this name, made on first use. */
  get<Loader>(name: string, make: () => Loader): Loader {
    const known = this.#loaders.get(name)
    if (known !== undefined) return known as Loader
    const made = make()
    this.#loaders.set(name, made)
    return made
  }
}

/** What every resolver is given beside its parent and arguments. */
export interface GraphQLContext extends Ctx {
  readonly feed: EventFeed
  readonly eventTypes: EventTypes
  readonly names: Names
  readonly loaders: Loaders
  /** Where the caller reaches this server, without a slash at the end: `https://cadre.example.com`. */
  readonly baseUrl: string
  /** What the caller's program calls itself. */
  readonly userAgent?: string
  /** The origin of the web page that asks, where that is none of ours. */
  readonly pageOrigin?: string
  /** The header Idempotency-Key. */
  readonly idempotencyKey?: string
  /** `extensions.after` of the request, or SSE's Last-Event-ID: overrides a subscription field's `after`. */
  readonly resumeAfter?: string
  /** Ends the subscription's source when the client is gone. */
  readonly signal: AbortSignal
  /**
   * Binds an anonymous caller's operation to the workspace that its public address names. Root mutation fields run one
   * after the other, payload and all, so each of them may name its own.
   */
  enterWorkspace(workspaceId: string): void
}
