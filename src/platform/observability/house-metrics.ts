import type pg from 'pg'
import { QUEUE, SCHEMA } from '../durable/queue.ts'
import type { Metrics, Reported } from './metrics.ts'

export interface HouseStates {
  readonly pools: Readonly<Record<string, pg.Pool>>
  /** Connections as `cadre_system`. */
  readonly system: pg.Pool
  /** Everything of the event log up to here was handed to this process's subscribers. */
  readonly tailPosition: () => bigint
  /** Segments of runs worked on in this process. */
  readonly working: () => number
}

/** Adds what the platform's own parts are at when somebody looks. */
export function measureHouse(metrics: Metrics, house: HouseStates): void {
  metrics.state('cadre_segments_working', 'Stretches of runs that this process is working on.', [], () => [
    { value: house.working() },
  ])
  metrics.state('cadre_pool_connections', 'Connections to the database, by pool.', ['pool', 'state'], () =>
    Object.entries(house.pools).flatMap(([pool, { totalCount, idleCount, waitingCount }]) => [
      { labels: { pool, state: 'busy' }, value: totalCount - idleCount },
      { labels: { pool, state: 'idle' }, value: idleCount },
      { labels: { pool, state: 'awaited' }, value: waitingCount },
    ]),
  )
  measureLog(metrics, house)
  metrics.state('cadre_queue_segments', 'Stretches of runs in the queue of all processes.', ['status'], async () => {
    const { rows } = await house.system.query<{ status: string; count: bigint }>(
      `SELECT status, count(*) AS count FROM ${SCHEMA}.workflow_status
        WHERE queue_name = $1 AND status IN ('ENQUEUED', 'PENDING') GROUP BY status`,
      [QUEUE],
    )
    return byStatus(['ENQUEUED', 'PENDING'], rows)
  })
}

/** One question for all of the log's states, however many of them are read in one moment. */
function measureLog(metrics: Metrics, { system, tailPosition }: HouseStates): void {
  let asked: Promise<LogState> | undefined
  const log = (): Promise<LogState> => {
    asked ??= readLog(system).finally(() => {
      asked = undefined
    })
    return asked
  }
  metrics.state('cadre_event_outbox_rows', 'Events that were committed and are not in the log yet.', [], async () => [
    { value: (await log()).waiting },
  ])
  metrics.state('cadre_event_outbox_oldest_seconds', 'How long the oldest of them has waited.', [], async () => [
    { value: (await log()).oldestSeconds },
  ])
  metrics.state('cadre_event_log_head', 'The position of the newest event.', [], async () => [
    { value: Number((await log()).head) },
  ])
  metrics.state('cadre_event_tail_lag', 'Events in the log that this process has not handed out yet.', [], async () => {
    const { head } = await log()
    const position = tailPosition()
    return [{ value: position > head ? 0 : Number(head - position) }]
  })
}

interface LogState {
  readonly waiting: number
  readonly oldestSeconds: number
  readonly head: bigint
}

async function readLog(system: pg.Pool): Promise<LogState> {
  const { rows } = await system.query<{ waiting: number; oldest: number | null; head: bigint }>(
    `SELECT (SELECT count(*)::int FROM event_outbox) AS waiting,
            (SELECT extract(epoch FROM now() - min(occurred_at))::float8 FROM event_outbox) AS oldest,
            (SELECT coalesce(max(position), 0) FROM event_log) AS head`,
  )
  const { waiting = 0, oldest = null, head = 0n } = rows[0] ?? {}
  return { waiting, oldestSeconds: Math.max(0, oldest ?? 0), head }
}

/** A number for each status, 0 where there is none: an alarm needs to see that it is none. */
export function byStatus(
  statuses: readonly string[],
  rows: readonly { readonly status: string; readonly count: bigint }[],
): Reported[] {
  const counts = new Map(rows.map(({ status, count }) => [status, Number(count)]))
  return statuses.map((status) => ({ labels: { status }, value: counts.get(status) ?? 0 }))
}
