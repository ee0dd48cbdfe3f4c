// A hundred workspaces as they are after some months: contacts, and deals at every stage of a pipeline.

import pg from 'pg'
import { createPipeline } from '../../src/domains/deals/service.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { addMember, createWorkspace } from '../../src/domains/workspaces/service.ts'
import { PERMISSIONS } from '../../src/platform/auth/viewer.ts'
import { createDatabase } from '../../src/platform/db/database.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import type { Logger } from '../../src/platform/observability/logger.ts'

export interface Tenant {
  readonly id: string
  readonly key: string
  /** Ids of its deals, as clients write them. */
  readonly deals: readonly string[]
}

const STAGES = [
  { name: 'New', kind: 'OPEN', probability: 0.1 },
  { name: 'Qualified', kind: 'OPEN', probability: 0.3 },
  { name: 'Proposal', kind: 'OPEN', probability: 0.6 },
  { name: 'Won', kind: 'WON', probability: 1 },
  { name: 'Lost', kind: 'LOST', probability: 0 },
] as const

export const DEALS_PER_TENANT = 400

const FILL = `
  with numbered as (
    select w.id as workspace_id, n,
           (lpad(to_hex(1790000000000 + n), 12, '0') || '7000' || lpad(to_hex(32768 + n), 4, '0')
             || right(w.id::text, 12))::uuid as id,
           (array['Nimbus', 'Harbour', 'Kite', 'Alder', 'Quarry', 'Lumen', 'Fathom', 'Birch'])[1 + n % 8] || ' ' || n as name,
           timestamptz '2026-06-01' + n * interval '5 hours' as at
      from workspace w, generate_series(1, ${DEALS_PER_TENANT}) as n
  ), contacts as (
    insert into contact (workspace_id, id, name, name_folded, email, email_normalised, company_name, created_at, updated_at)
    select workspace_id, id, name, lower(name), 'c' || n || '@kite.example', 'c' || n || '@kite.example', name || ' Ltd', at, at
      from numbered
  )
  insert into deal (workspace_id, id, name, name_folded, amount_micros, currency, stage_id, contact_id, expected_close_on,
                    closed_at, lost_reason, next_step, created_at, updated_at)
  select d.workspace_id, d.id, d.name, lower(d.name), n * 25000000::bigint, 'EUR', s.id, d.id, (at + interval '60 days')::date,
         case when s.kind <> 'OPEN' then at + interval '30 days' end, case when s.kind = 'LOST' then 'price' end,
         'Call them', at, at
    from numbered d join stage s on s.workspace_id = d.workspace_id and s.position = n % ${STAGES.length}
`

/** Fills an empty, migrated database with so many tenants. */
export async function fillDatabase(url: string, tenants: number, log: Logger): Promise<Tenant[]> {
  const db = createDatabase({ appUrl: url, systemUrl: url, appConnections: 4, systemConnections: 2, log })
  const made: { id: string; key: string }[] = []
  for (let number = 0; number < tenants; number += 1) {
    const id = newId()
    const origin = { requestId: 'bench' }
    const ctx = {
      viewer: { kind: 'system' },
      workspaceId: id,
      db,
      bell: { ring: () => {} },
      clock: systemClock,
      log,
      origin,
    } as const
    const key = await db.inTransaction(ctx, async (tx) => {
      await createWorkspace(tx, {
        slug: `w-${number}`,
        name: `Tenant ${number}`,
        timeZone: 'UTC',
        currency: 'EUR',
        dailyBudgetMicros: null,
      })
      const member = await addMember(tx, { name: 'Ada', email: 'ada@example.com', role: 'OWNER' })
      await createPipeline(tx, { name: 'Sales', stages: [...STAGES] })
      const wanted = { memberId: member.id, name: 'Bench', permissions: [...PERMISSIONS], expiresAt: null }
      return (await issueApiKey(tx, { ...wanted, environment: 'TEST' })).key
    })
    made.push({ id, key })
  }
  await db.close()
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  await owner.query(FILL)
  await owner.query('vacuum analyze')
  const { rows } = await owner.query<{ workspace: string; ids: string[] }>(
    `select workspace_id as workspace, array_agg('deal_' || id) as ids from deal group by 1`,
  )
  await owner.end()
  const deals = new Map(rows.map(({ workspace, ids }) => [workspace, ids]))
  return made.map((tenant) => ({ ...tenant, deals: deals.get(tenant.id) ?? [] }))
}
