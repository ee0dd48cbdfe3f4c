// The queue's vocabulary: what a segment is called in DBOS, and in which order segments are taken. Written once here,
// because the database function that enqueues and the process that works must agree on every name.

/** The queue of every workspace's segments; partitioned by workspace. */
export const QUEUE = 'runs'
/** The one workflow there is: work one segment of one run. */
export const WORKFLOW = 'segment'
/** Owns the rows in DBOS's tables, so that another DBOS application could share them. */
export const APPLICATION = 'cadre'
/**
 * Fixed: DBOS gives a row only to processes of the version that claimed it, and our segments hold nothing but ids, so
 * every release can go on with what an older one began.
 */
export const APPLICATION_VERSION = '1'
/** DBOS's tables, in our own database. */
export const SCHEMA = 'dbos'

/** Lower is sooner. DBOS's own default, 0, is left free. */
export const PRIORITY_ORDER = { URGENT: 1, HIGH: 2, NORMAL: 3, LOW: 4 } as const

/** What is worked: the n-th stretch of a run, from its start or a wake-up until it waits or ends. */
export interface Segment {
  readonly workspaceId: string
  readonly runId: string
  readonly segment: number
}

/** The same segment has the same id for ever, so that enqueuing it twice is once. Never used again after it is done. */
export const workflowIdOf = ({ workspaceId, runId, segment }: Segment): string => `${workspaceId}:${runId}:${segment}`
