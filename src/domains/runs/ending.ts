import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import type { NewEvent } from '../../platform/events/event.ts'
import type { RunEnd } from './model.ts'

/** A run that ends in this very transaction. */
export interface EndedRun {
  readonly id: string
  readonly employeeId: string
  readonly submissionId: string | null
  readonly dealId: string | null
  readonly end: RunEnd
}

type RunEndListener = (tx: Tx, run: EndedRun) => Promise<void>

const listeners = new Map<string, RunEndListener>()

/**
 * Has another domain learn of every run's end, in the transaction that ends it: however it ends, its submission and its
 * approvals end with it. Runs know neither; whoever knows both connects them once. The same name again replaces.
 */
export function listenToRunEnds(name: string, listener: RunEndListener): void {
  listeners.set(name, listener)
}

/** Tells the listeners and then the log, `eventsBefore` first. The run's row has been written by the caller. */
export async function announceEnd(tx: Tx, run: EndedRun, eventsBefore: readonly NewEvent[] = []): Promise<void> {
  for (const listener of listeners.values()) await listener(tx, run)
  appendEvents(tx, [
    ...eventsBefore,
    {
      type: 'run.finished',
      subject: { kind: 'run', id: run.id },
      runId: run.id,
      data: { employeeId: run.employeeId, status: run.end.status, reason: run.end.reason },
    },
  ])
}
