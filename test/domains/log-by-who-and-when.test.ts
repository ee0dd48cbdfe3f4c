import { beforeAll, describe, expect, it } from 'vitest'
import { createPipeline } from '../../src/domains/deals/service.ts'
import { PERMISSIONS } from '../../src/platform/auth/viewer.ts'
import { encodeId } from '../../src/platform/lib/ids.ts'
import type { Tenant } from './house.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()
let bob: Tenant
let deal: string
let other: string
let keys: { readonly acme: string; readonly bob: string }

const EVENTS = `query ($filter: EventFilter) { events(last: 50, filter: $filter) { nodes {
  type occurredAt actor { kind nodeId } origin { requestId address } changes { field from to } subject { id } } } }`

interface Told {
  readonly type: string
  readonly actor: { readonly kind: string; readonly nodeId: string }
  readonly origin: { readonly requestId: string; readonly address: string }
  readonly changes: readonly object[]
}

async function events(filter: object, of = acme): Promise<Told[]> {
  const { events: page } = await of.query(EVENTS, { filter })
  return (page as { nodes: Told[] }).nodes
}
const types = async (filter: object) => (await events(filter)).map(({ type }) => type)

beforeAll(async () => {
  bob = await acme.member('MEMBER')
  const { stageIds } = await house.db.inTransaction(acme.ctx, (tx) =>
    createPipeline(tx, {
      name: 'Sales',
      stages: [
        { name: 'New', kind: 'OPEN', probability: 0.1 },
        { name: 'Won', kind: 'WON', probability: 1 },
        { name: 'Lost', kind: 'LOST', probability: 0 },
      ],
    }),
  )
  const stage = encodeId('stage', stageIds[0] ?? '')
  const open = async (name: string) =>
    ((await acme.mutate('createDeal', { name, stage }, 'deal { id }')).deal as { id: string }).id
  deal = await open('Acme renewal')
  other = await open('Another')
  await bob.mutate('updateDeal', { id: deal, nextStep: 'Call them' })
  await acme.mutate('updateDeal', { id: other, nextStep: 'Write to them' })
  const [first] = await events({ subject: { eq: other }, types: ['DEAL_UPDATED'] })
  const [second] = await events({ subject: { eq: deal }, types: ['DEAL_UPDATED'] })
  keys = { acme: first?.actor.nodeId ?? '', bob: second?.actor.nodeId ?? '' }
})

describe('the log', () => {
  it('tells who changed this deal last week, what, and from where', async () => {
    const found = await events({ subject: { eq: deal }, types: ['DEAL_UPDATED'], occurredAt: { gte: '-P7D' } })
    expect(found).toEqual([
      {
        type: 'DEAL_UPDATED',
        occurredAt: expect.any(String),
        actor: { kind: 'API_KEY', nodeId: keys.bob },
        origin: { requestId: expect.stringMatching(/.+/), address: expect.stringMatching(/127\.0\.0\.1|::1/) },
        changes: [{ field: 'nextStep', from: null, to: 'Call them' }],
        subject: { id: deal },
      },
    ])
  })

  it('is narrowed down by who did it: one key, or a kind', async () => {
    expect(await types({ actor: { eq: keys.bob } })).toEqual(['DEAL_UPDATED'])
    expect(await types({ actor: { eq: keys.acme }, types: ['DEAL_UPDATED'] })).toEqual(['DEAL_UPDATED'])
    expect(await types({ actor: { kind: 'VISITOR' } })).toEqual([])
    expect((await types({ actor: { kind: 'API_KEY' } })).length).toBeGreaterThan(3)
    expect(await types({ actor: { eq: keys.bob, kind: 'EMPLOYEE' } })).toEqual([])
    expect(await acme.errorCodes(EVENTS, { filter: { actor: { eq: deal } } })).toEqual(['INVALID_INPUT'])
    expect(await acme.errorCodes(EVENTS, { filter: { actor: { eq: 'Bob' } } })).toEqual(['INVALID_INPUT'])
  })

  it('is narrowed down by when: from, before, at, and relative to now', async () => {
    const [told] = await events({ subject: { eq: deal }, types: ['DEAL_UPDATED'] })
    const at = (told as unknown as { occurredAt: string }).occurredAt
    const ofDeal = (occurredAt: object) => types({ subject: { eq: deal }, types: ['DEAL_UPDATED'], occurredAt })
    for (const holds of [
      { eq: at },
      { gte: at },
      { lte: at },
      { gte: at, lte: at },
      { gte: '-P7D', lt: 'P1D' },
      { isNull: false },
    ]) {
      expect([holds, await ofDeal(holds)]).toEqual([holds, ['DEAL_UPDATED']])
    }
    for (const fails of [
      { gt: at },
      { lt: at },
      { lt: '-P7D' },
      { gte: 'P1D' },
      { gt: at, lte: at },
      { isNull: true },
    ]) {
      expect([fails, await ofDeal(fails)]).toEqual([fails, []])
    }
    expect(await acme.errorCodes(EVENTS, { filter: { occurredAt: { gte: 'P9999Y' } } })).toEqual(['INVALID_INPUT'])
  })

  it('is narrowed down by the request, which did all that has its id', async () => {
    const [told] = await events({ subject: { eq: deal }, types: ['DEAL_UPDATED'] })
    expect(await types({ requestId: told?.origin.requestId })).toEqual(['DEAL_UPDATED'])
    expect(await types({ requestId: 'nobody’s' })).toEqual([])
    expect(await types({ requestId: 'a\0b' })).toEqual([])
  })

  it('is followed by the same filters', async () => {
    const items = await acme.follow(
      `subscription { events(filter: { actor: { eq: "${keys.bob}" }, occurredAt: { gte: "-PT1H" } }) { type actor { nodeId } } }`,
    )
    await acme.mutate('updateDeal', { id: other, nextStep: 'Wait' })
    await bob.mutate('updateDeal', { id: other, nextStep: 'Wait longer' })
    const { value } = await items.next()
    expect(value).toEqual({ events: { type: 'DEAL_UPDATED', actor: { nodeId: keys.bob } } })
  })

  it('shows addresses to those alone who look after members', async () => {
    const few = await acme.as(PERMISSIONS.filter((permission) => permission !== 'MEMBERS_WRITE'))
    expect(await few.errorCodes('{ events(first: 1) { nodes { origin { address } } } }')).toEqual(['FORBIDDEN'])
    expect(await few.errorCodes('{ events(first: 1) { nodes { origin { requestId } } } }')).toEqual([])
  })
})
