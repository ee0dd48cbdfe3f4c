import { fold } from '../../src/platform/lib/fold.ts'
import { decodeId, encodeId, newId } from '../../src/platform/lib/ids.ts'
import { systemContext } from '../support/context.ts'
import type { House, SampleServer } from './server.ts'

export interface NewDeal {
  readonly name: string
  readonly amount?: bigint
  readonly currency?: string
  readonly stage?: 'open' | 'won'
  readonly owned?: boolean
  readonly closes?: string
  readonly daysOld?: number
}

/** Puts deals below the API and gives back their ids. */
export async function insertDeals(server: SampleServer, house: House, deals: readonly NewDeal[]): Promise<string[]> {
  const ids = deals.map(() => newId())
  await server.db.inTransaction(systemContext(server.db, house.id), async (tx) => {
    await tx.sql
      .insertInto('deal')
      .values(
        deals.map((deal, index) => ({
          workspaceId: house.id,
          id: ids[index] as string,
          name: deal.name,
          nameFolded: fold(deal.name),
          amountMicros: deal.amount ?? null,
          currency: deal.amount === undefined ? null : (deal.currency ?? 'EUR'),
          stageId: (deal.stage === 'won' ? house.won : house.open).slice('stage_'.length),
          ownerMemberId: deal.owned === true ? house.memberId : null,
          expectedCloseOn: deal.closes === undefined ? null : new Date(`${deal.closes}T00:00:00Z`),
          createdAt: new Date(Date.now() - (deal.daysOld ?? 0) * 86_400_000 - index),
        })),
      )
      .execute()
  })
  return ids.map((id) => encodeId('deal', id))
}

/** Runs of one employee about each deal, `run 0` the oldest, with three steps each. */
export async function insertRuns(
  server: SampleServer,
  house: House,
  deals: readonly { readonly deal: string | undefined; readonly count: number }[],
): Promise<void> {
  const workspaceId = house.id
  const employeeId = newId()
  await server.db.inTransaction(systemContext(server.db, workspaceId), async (tx) => {
    const who = { name: 'Ava', nameFolded: 'ava', role: 'SDR', title: 'SDR', autonomy: 'DRAFT', tools: [] }
    await tx.sql
      .insertInto('employee')
      .values({ workspaceId, id: employeeId, ...who })
      .execute()
    await tx.sql
      .insertInto('employeeVersion')
      .values({ workspaceId, employeeId, version: 1, definition: '{}' as never })
      .execute()
    for (const { deal = '', count } of deals) {
      for (let index = 0; index < count; index++) {
        const runId = newId()
        await tx.sql
          .insertInto('run')
          .values({
            workspaceId,
            id: runId,
            employeeId,
            employeeVersion: 1,
            trigger: 'PERSON',
            title: `run ${index}`,
            dealId: decodeId('deal', deal),
            createdAt: new Date(Date.now() + index),
          })
          .execute()
        await tx.sql
          .insertInto('runStep')
          .values(
            [0, 1, 2].map((seq) => ({
              workspaceId,
              runId,
              seq,
              kind: 'NOTE',
              status: 'DONE',
              title: `step ${seq}`,
              turn: 0,
              data: '{}' as never,
              startedAt: new Date(),
              finishedAt: new Date(),
            })),
          )
          .execute()
      }
    }
  })
}
