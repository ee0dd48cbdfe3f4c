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
  const row = await db.read(workspaceId, (rows) =>
    rows
      .selectFrom('workspace')
      .select((eb) => {
        const all = eb.fn.countAll<bigint>()
        const working = eb.selectFrom('employee').where('employee.status', '<>', 'OFFBOARDED')
        const waiting = eb.selectFrom('approval').where('approval.status', '=', 'PENDING')
        return [
          working.select(all.as('count')).as('employees'),
          eb.selectFrom('form').select(all.as('count')).as('forms'),
          eb.selectFrom('pipeline').select(all.as('count')).as('pipelines'),
          eb.selectFrom('deal').select(all.as('count')).as('deals'),
          waiting.select(all.as('count')).as('approvals'),
          'dailyBudgetMicros',
        ]
      })
      .executeTakeFirstOrThrow(),
  )
  return {
    employees: Number(row.employees),
    forms: Number(row.forms),
    pipelines: Number(row.pipelines),
    deals: Number(row.deals),
    approvals: Number(row.approvals),
    dailyBudgetMicros: row.dailyBudgetMicros,
  }
}
