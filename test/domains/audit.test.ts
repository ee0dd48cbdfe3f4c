import { describe, expect, it } from 'vitest'
import { PERMISSIONS } from '../../src/platform/auth/viewer.ts'
import { runSql } from '../support/sql.ts'
import type { Tenant } from './house.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()

const VERIFY = `query ($after: String, $first: Int) { verifyAuditLog(after: $after, first: $first) {
  intact events erased unchained complete head fault { reason event { id type summary } } } }`

const verify = async (of: Tenant, variables = {}) =>
  (await of.query(VERIFY, variables)).verifyAuditLog as Record<string, unknown>
const hire = (of: Tenant, name: string) =>
  of.mutate('createEmployee', { name, role: 'SDR', title: 'Sales', autonomy: 'DRAFT', tools: [] })

describe('the audit log', () => {
  it('is intact after what people do, and can be verified in parts', async () => {
    expect(await verify(acme)).toMatchObject({ intact: true, events: 0, complete: true, head: null, fault: null })
    for (const name of ['Nora', 'Odo', 'Pia']) await hire(acme, name)
    const whole = await verify(acme)
    expect(whole).toMatchObject({ intact: true, unchained: 0, complete: true, fault: null })
    const part = await verify(acme, { first: 1 })
    expect(part).toMatchObject({ intact: true, events: 1, complete: false })
    const rest = await verify(acme, { after: part.head })
    expect([rest.events, rest.head]).toEqual([Number(whole.events) - 1, whole.head])
    // Another workspace has a log of its own, and none of ours.
    expect(await verify(await house.workspace('Other'))).toMatchObject({ events: 0 })
  })

  it('names the event that was changed behind our backs', async () => {
    const owner = await house.workspace('Tampered')
    await hire(owner, 'Nora')
    await hire(owner, 'Odo')
    const { events } = (await owner.query('{ events(first: 1) { nodes { id } } }')) as {
      events: { nodes: { id: string }[] }
    }
    const id = events.nodes[0]?.id ?? ''
    await runSql(
      house.ownerUrl,
      `update event_log set actor = '{"kind": "SYSTEM"}', actor_kind = 'SYSTEM', actor_id = null where outbox_id = $1`,
      [id.replace('event_', '')],
    )
    expect(await verify(owner)).toMatchObject({
      intact: false,
      events: 0,
      fault: { reason: 'CHAIN', event: { id, type: 'EMPLOYEE_CREATED' } },
    })
  })

  it('is not verified twice over in one operation', async () => {
    const twice = '{ a: verifyAuditLog { intact } b: verifyAuditLog { intact } }'
    expect(await acme.errorCodes(twice)).toEqual(['LIMIT_EXCEEDED'])
  })

  it('needs EVENTS_READ, a head that was given out, and a number within bounds', async () => {
    const others = await acme.as(PERMISSIONS.filter((permission) => permission !== 'EVENTS_READ'))
    expect(await others.errorCodes(VERIFY)).toEqual(['FORBIDDEN'])
    for (const variables of [{ after: 'x' }, { first: 0 }, { first: 20_001 }]) {
      expect(await acme.errorCodes(VERIFY, variables)).toEqual(['INVALID_INPUT'])
    }
  })
})
