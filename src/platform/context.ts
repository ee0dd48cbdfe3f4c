import type { AccountMeans } from './auth/account-means.ts'
import type { Viewer } from './auth/viewer.ts'
import type { Database } from './db/database.ts'
import type { Foretold } from './foretold.ts'
import type { Clock } from './lib/clock.ts'
import type { Logger } from './observability/logger.ts'

/** Where a request came from; stands on every event it causes. */
export interface Origin {
  readonly requestId: string
  /** The client's address, for limits and the log; absent for work the server does by itself. */
  readonly address?: string
}

/** The event that led to what is being done now, and how many such steps lie behind it. */
export interface Cause {
  readonly outboxId: bigint
  readonly depth: number
}

/**
 * Rung after a commit that appended events, so that the sequencer moves them at once. Should a ring be lost, it finds them
 * by itself within a second.
 */
export interface Bell {
  ring(): void
}

/** What every reading verb takes first: who asks, in which workspace, and by what means. */
export interface Ctx {
  readonly viewer: Viewer
  /** The tenant. Handed over explicitly, never guessed from ambient context. */
  readonly workspaceId: string
  readonly db: Database
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Logger
  readonly origin: Origin
  readonly cause?: Cause
  /** A dry run's: what would come of it outside its transaction. Nothing is kept, and nothing may be sent. */
  readonly foretold?: Foretold
  /** What signing people in takes; absent where nobody does. */
  readonly accounts?: AccountMeans
}
