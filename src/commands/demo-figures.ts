import { sql } from 'kysely'
import type { Database } from '../platform/db/database.ts'

/** How much there is in the demo workspace. */
export interface DemoFigures {
  readonly employees: number
  readonly forms: number
  readonly pipelines: number
  readonly deals: number
  /** Approvals that wait for a person. */
  readonly approvals: number
  readonly dailyBudgetMicros: bigint | null
}

export async function readDemoFigures(db: Database, workspaceId: string): Promise<DemoFigures> {
  return await db.read(workspaceId, (rows) =>
    rows
      .selectFrom('workspace')
      .select([
        sql<number>`(select count(*)::int from employee where status <> 'OFFBOARDED')`.as('employees'),
        sql<number>`(select count(*)::int from form)`.as('forms'),
        sql<number>`(select count(*)::int from pipeline)`.as('pipelines'),
        sql<number>`(select count(*)::int from deal)`.as('deals'),
        sql<number>`(select count(*)::int from approval where status = 'PENDING')`.as('approvals'),
        'dailyBudgetMicros',
      ])
      .where('id', '=', workspaceId)
      .executeTakeFirstOrThrow(),
  )
}
