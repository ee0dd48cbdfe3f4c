// DBOS as queue, and nothing more: it claims segments for this process, in order of priority and fairly between
// workspaces, runs one workflow for each, and notes which are done. Its rows hold ids only. This is the one file that
// drives it; it is a singleton of the process.
//
// A workflow has no DBOS step: a step costs six statements more and would record what our journal records already. When
// a workflow is begun again, its body runs again, and the journal knows how far it came.

import { DBOS } from '@dbos-inc/dbos-sdk'
import { getCurrentContextStore } from '@dbos-inc/dbos-sdk/internal/context'
import { DBOSExecutor } from '@dbos-inc/dbos-sdk/internal/dbos-executor'
import { dbRetryConfig } from '@dbos-inc/dbos-sdk/internal/utils'
import { registerInternalQueue, wfQueueRunner } from '@dbos-inc/dbos-sdk/internal/wfqueue'
import type pg from 'pg'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../observability/logger.ts'
import { dbosLogger } from './dbos-log.ts'
import { APPLICATION, APPLICATION_VERSION, QUEUE, SCHEMA, type Segment, WORKFLOW } from './queue.ts'

export interface DbosOptions {
  /** DBOS's connections, as `cadre_system`; it does not end the pool. */
  readonly pool: pg.Pool
  readonly executorId: string
  /** How many segments this process holds at once, one workspace's or many's. */
  readonly concurrency: number
  readonly pollEveryMs: number
  readonly log: Logger
  readonly clock: Clock
  /** Works one segment; `owner` is the token of this claim. */
  readonly run: (segment: Segment, owner: string) => Promise<void>
}

export interface Dbos {
  /** Gives back to the queue whatever is marked as being worked on by this executor; returns how many. Repeatable. */
  recover(executorId: string): Promise<number>
  /** Whether an execution of this workflow is under way in this process, its last note included. */
  isRunning(workflowId: string): boolean
  /** Removes workflows and everything DBOS stored of them. */
  remove(workflowIds: string[]): Promise<void>
  /** No further segment is claimed. */
  stopClaiming(): void
  /** Waits for the notes of what ended just now, then lets go. `recover` still works afterwards. */
  shutDown(): Promise<void>
}

/** Longer than any real life: whether a run is hopeless is decided by its journal, not by counting claims. */
const RECOVERY_ATTEMPTS = 1_000_000_000
/**
 * An execution that lost its segment asks DBOS for the outcome until there is one. Nobody here waits for the answer, so it
 * asks seldom; at the end often, for only asking again tells it that DBOS was shut down.
 */
const OUTCOME_POLL_MS = { working: 5_000, ending: 50 }
const LONGEST_RETRY_SEC = 5
/** With the database away notes cannot be made; the segments are then done again, and found to be done. */
const NOTES_MS = 2_000

let running: DbosOptions['run'] | undefined
let registered = false

/** Starts DBOS on its migrated tables. Throws if it runs already or the database cannot be reached. */
export async function launchDbos(options: DbosOptions): Promise<Dbos> {
  if (running !== undefined) throw new Error('DBOS runs once per process')
  running = options.run
  try {
    return await launch(options)
  } catch (err) {
    running = undefined
    throw err
  }
}

async function launch({ pool, executorId, concurrency, pollEveryMs, log, clock }: DbosOptions): Promise<Dbos> {
  if (!registered) {
    DBOS.registerWorkflow(workSegment, { name: WORKFLOW, maxRecoveryAttempts: RECOVERY_ATTEMPTS })
    registered = true
  }
  // Every retry of a lost connection doubles its pause up to this; a minute would be a long time after a restart.
  dbRetryConfig.maxBackoffSec = LONGEST_RETRY_SEC
  // Kept in this process: a queue registered in the database has one concurrency for all processes, the last one's.
  // A limit per partition is what makes the queue partitioned, so that no workspace's backlog stands before another's;
  // as it equals the process's own limit, a lone workspace gets the whole process. It counts in memory: a limit across
  // processes (`partitionConcurrency`) would count rows at every poll of every workspace, and make pollers collide.
  const limits = {
    workerConcurrency: concurrency,
    partitionWorkerConcurrency: concurrency,
    minPollingIntervalMs: pollEveryMs,
  }
  // Registered once in a process's life; a later start may have other limits.
  Object.assign(registerInternalQueue(QUEUE, limits), limits)
  DBOS.setConfig({
    name: APPLICATION,
    // The pool is ours; DBOS only wants to see a URL.
    systemDatabaseUrl: 'postgresql://cadre@localhost/cadre',
    systemDatabasePool: pool,
    systemDatabaseSchemaName: SCHEMA,
    executorID: executorId,
    applicationVersion: APPLICATION_VERSION,
    runMigrations: false,
    runAdminServer: false,
    useListenNotify: false,
    listenQueues: [],
    logger: dbosLogger(log, clock),
  })
  await DBOS.launch()
  const executor = DBOSExecutor.globalInstance
  if (executor === undefined) throw new Error('DBOS launched without an executor')
  executor.systemDatabase.dbPollingIntervalResultMs = OUTCOME_POLL_MS.working
  return {
    recover: async (executorIdToRecover) => (await executor.recoverPendingWorkflows([executorIdToRecover])).length,
    isRunning: (workflowId) => executor.systemDatabase.checkForRunningWorkflow(workflowId),
    remove: (workflowIds) => executor.systemDatabase.deleteWorkflows(workflowIds),
    stopClaiming: () => {
      executor.systemDatabase.dbPollingIntervalResultMs = OUTCOME_POLL_MS.ending
      wfQueueRunner.stop()
    },
    shutDown: async () => {
      await DBOS.shutdown({ workflowCompletionTimeoutMS: NOTES_MS })
      running = undefined
    },
  }
}

async function workSegment(workspaceId: string, runId: string, segment: number): Promise<void> {
  const owner = getCurrentContextStore()?.ownerXid
  if (running === undefined || owner === undefined)
    throw new Error('a segment was claimed by a process that works none')
  await running({ workspaceId, runId, segment }, owner)
}
