import { beforeAll, expect, test } from 'vitest'
import { createPipeline } from '../../src/domains/deals/service.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import type { Tenant } from './house.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()
let stages: Stages

interface Stages {
  readonly lead: string
  readonly proposal: string
  readonly won: string
  readonly lost: string
}

beforeAll(async () => {
  stages = await pipeline(acme)
})

async function pipeline(tenant: Tenant): Promise<Stages> {
  const { stageIds } = await house.db.inTransaction(tenant.ctx, (tx) =>
    createPipeline(tx, {
      name: 'Sales',
      stages: [
        { name: 'Lead', kind: 'OPEN', probability: 0.1 },
        { name: 'Proposal', kind: 'OPEN', probability: 0.5 },
        { name: 'Won', kind: 'WON', probability: 1 },
        { name: 'Lost', kind: 'LOST', probability: 0 },
      ],
    }),
  )
  const [lead = '', proposal = '', won = '', lost = ''] = stageIds.map((id) => encodeId('stage', id))
  return { lead, proposal, won, lost }
}

const open = async (input: Record<string, unknown> = {}, tenant = acme, stage = stages.lead) => {
  const made = await tenant.mutate('createDeal', { name: 'Acme renewal', stage, ...input }, 'deal { id }')
  expect(made.__typename).toBe('CreateDealPayload')
  return (made.deal as { id: string }).id
}
const move = (id: string, stage: string, more: Record<string, unknown> = {}) =>
  acme.mutate('moveDeal', { id, stage, ...more }, 'deal { stage { name } closedAt lostReason version }')

const timelineOf = async (id: string) => {
  const { deal } = await acme.query('query($id: ID!) { deal(id: $id) { timeline { nodes { type summary } } } }', { id })
  return (deal as { timeline: { nodes: { type: string; summary: string }[] } }).timeline.nodes
}

test('a deal is opened with all that was given, its amount in the workspace’s currency unless told', async () => {
  const owner = encodeId('member', acme.memberId)
  const made = await acme.mutate(
    'createDeal',
    {
      name: 'Kite & Co',
      stage: stages.lead,
      amount: { amount: '24000' },
      owner,
      expectedCloseOn: '2030-01-31',
      nextStep: 'Call',
    },
    `deal { name amount { text micros currency } stage { name kind position pipeline { name stages { name } } }
      probability owner { name } expectedCloseOn nextStep daysInStage version closedAt }`,
  )
  expect(made.deal).toEqual({
    name: 'Kite & Co',
    amount: { text: '€24,000.00', micros: '24000000000', currency: 'EUR' },
    stage: {
      name: 'Lead',
      kind: 'OPEN',
      position: 0,
      pipeline: { name: 'Sales', stages: ['Lead', 'Proposal', 'Won', 'Lost'].map((name) => ({ name })) },
    },
    probability: 0.1,
    owner: { name: 'Ada' },
    expectedCloseOn: '2030-01-31',
    nextStep: 'Call',
    daysInStage: 0,
    version: 1,
    closedAt: null,
  })
})

test('a deal that is moved, won, reopened and lost has its history told in sentences', async () => {
  const id = await open({ amount: { amount: '5000', currency: 'USD' } })
  expect((await move(id, stages.proposal)).deal).toMatchObject({
    stage: { name: 'Proposal' },
    closedAt: null,
    version: 2,
  })
  expect((await move(id, stages.won)).deal).toMatchObject({ stage: { name: 'Won' }, closedAt: expect.any(String) })
  const reopened = await acme.mutate('reopenDeal', { id }, 'deal { stage { name } closedAt }')
  expect(reopened.deal).toEqual({ stage: { name: 'Lead' }, closedAt: null })
  const lost = await move(id, stages.lost, { lostReason: 'Too dear' })
  expect(lost.deal).toMatchObject({ stage: { name: 'Lost' }, closedAt: expect.any(String), lostReason: 'Too dear' })
  expect(await timelineOf(id)).toEqual([
    { type: 'DEAL_CREATED', summary: 'Test key opened deal Acme renewal · $5,000.00 · Lead' },
    { type: 'DEAL_STAGE_CHANGED', summary: 'Test key moved Acme renewal from Lead to Proposal' },
    { type: 'DEAL_STAGE_CHANGED', summary: 'Test key moved Acme renewal from Proposal to Won' },
    { type: 'DEAL_WON', summary: 'Test key won Acme renewal · $5,000.00' },
    { type: 'DEAL_STAGE_CHANGED', summary: 'Test key moved Acme renewal from Won to Lead' },
    { type: 'DEAL_REOPENED', summary: 'Test key reopened Acme renewal in Lead' },
    { type: 'DEAL_STAGE_CHANGED', summary: 'Test key moved Acme renewal from Lead to Lost' },
    { type: 'DEAL_LOST', summary: 'Test key lost Acme renewal: Too dear' },
  ])
})

test('moving a won deal is refused, and so is reopening an open one', async () => {
  const id = await open({ amount: { amount: '1' } })
  expect(await acme.mutate('reopenDeal', { id })).toMatchObject({
    __typename: 'ConflictError',
    reason: 'ILLEGAL_TRANSITION',
  })
  await move(id, stages.won)
  const before = await acme.footprint()
  expect(await move(id, stages.proposal)).toEqual({ __typename: 'ConflictError', reason: 'CLOSED', current: { id } })
  expect(await move(id, stages.lost, { lostReason: 'No' })).toMatchObject({ reason: 'CLOSED' })
  expect(await acme.footprint()).toBe(before)
})

test('winning needs an amount, losing a reason, and what is missing is named', async () => {
  const id = await open()
  const elsewhere = (await pipeline(acme)).lead
  const before = await acme.footprint()
  expect(await move(id, stages.won)).toEqual({
    __typename: 'ConflictError',
    reason: 'ILLEGAL_TRANSITION',
    current: { id },
  })
  const issue = (field: string, code: string) => ({ __typename: 'InvalidInputError', issues: [{ field, code }] })
  expect(await move(id, stages.lost)).toEqual(issue('lostReason', 'REQUIRED'))
  expect(await move(id, stages.proposal, { lostReason: 'No' })).toEqual(issue('lostReason', 'NOT_ALLOWED'))
  expect(await move(id, elsewhere)).toEqual(issue('stage', 'NOT_ALLOWED'))
  expect(await acme.footprint()).toBe(before)
})

test('a deal that is won keeps an amount', async () => {
  const id = await open({ amount: { amount: '1' } })
  await move(id, stages.won)
  expect(await acme.mutate('updateDeal', { id, amount: null })).toEqual({
    __typename: 'InvalidInputError',
    issues: [{ field: 'amount', code: 'REQUIRED' }],
  })
})

test('moving a deal to where it stands changes nothing', async () => {
  const id = await open()
  const before = await acme.footprint()
  expect((await move(id, stages.lead)).deal).toMatchObject({ version: 1 })
  expect(await acme.footprint()).toBe(before)
})

test('in an update what is left out stays, null clears, and what changed is told', async () => {
  const id = await open({ amount: { amount: '10', currency: 'USD' }, nextStep: 'Call', expectedCloseOn: '2030-01-31' })
  const updated = await acme.mutate(
    'updateDeal',
    { id, ifVersion: 1, name: 'Åcme', amount: { amount: '20.5' }, nextStep: null },
    'deal { name amount { text } nextStep expectedCloseOn version }',
  )
  expect(updated.deal).toEqual({
    name: 'Åcme',
    amount: { text: '$20.50' },
    nextStep: null,
    expectedCloseOn: '2030-01-31',
    version: 2,
  })
  expect((await timelineOf(id)).at(-1)?.summary).toBe('Test key changed Åcme: name, nextStep, amount')
  expect(await acme.mutate('updateDeal', { id, ifVersion: 1, name: 'Late' })).toEqual({
    __typename: 'ConflictError',
    reason: 'STALE_VERSION',
    current: { id },
  })
  const same = await acme.mutate(
    'updateDeal',
    { id, amount: { amount: '20.50' }, expectedCloseOn: '2030-01-31' },
    'deal { version }',
  )
  expect(same.deal).toEqual({ version: 2 })
})

test('a wrong field is named, an unknown reference is not found, and nothing is written', async () => {
  const before = await acme.footprint()
  expect(await acme.mutate('createDeal', { name: 'X', stage: stages.lead, amount: { amount: '-1' } })).toEqual({
    __typename: 'InvalidInputError',
    issues: [
      { field: 'name', code: 'TOO_SHORT' },
      { field: 'amount.amount', code: 'TOO_SMALL' },
    ],
  })
  expect(await acme.mutate('createDeal', { name: 'Closed', stage: stages.won })).toMatchObject({
    issues: [{ field: 'stage', code: 'NOT_ALLOWED' }],
  })
  for (const field of ['stage', 'contact', 'owner'] as const) {
    const id = encodeId(field === 'owner' ? 'employee' : field, newId())
    const answer = await acme.mutate('createDeal', { name: 'Lost', stage: stages.lead, [field]: id })
    expect(answer).toEqual({ __typename: 'NotFoundError', id })
  }
  expect(await acme.footprint()).toBe(before)
})

test('a key without the permission is refused each change, and nothing is written', async () => {
  const id = await open({ amount: { amount: '1' } })
  const before = await acme.footprint()
  const reader = await acme.as(['DEALS_READ'])
  const forbidden = { __typename: 'ForbiddenError', needs: 'DEALS_WRITE' }
  expect(await reader.mutate('createDeal', { name: 'Mine', stage: stages.lead })).toEqual(forbidden)
  expect(await reader.mutate('updateDeal', { id, name: 'Mine' })).toEqual(forbidden)
  expect(await reader.mutate('moveDeal', { id, stage: stages.proposal })).toEqual(forbidden)
  expect(await reader.mutate('reopenDeal', { id })).toEqual(forbidden)
  expect(await acme.footprint()).toBe(before)
})

test('another workspace’s deals and stages are not found and not changed', async () => {
  const other = await house.workspace('Other')
  const theirs = await pipeline(other)
  const id = await open({ amount: { amount: '1' } }, other, theirs.lead)
  const mine = await open()
  const before = [await acme.footprint(), await other.footprint()]
  const missing = { __typename: 'NotFoundError', id }
  expect(await acme.mutate('updateDeal', { id, name: 'Mine' })).toEqual(missing)
  expect(await move(id, stages.proposal)).toEqual(missing)
  expect(await acme.mutate('reopenDeal', { id })).toEqual(missing)
  const foreignStage = { __typename: 'NotFoundError', id: theirs.lead }
  expect(await move(mine, theirs.lead)).toEqual(foreignStage)
  expect(await acme.mutate('createDeal', { name: 'Mine', stage: theirs.lead })).toEqual(foreignStage)
  expect(await acme.query('query($id: ID!) { deal(id: $id) { id } }', { id })).toEqual({ deal: null })
  expect([await acme.footprint(), await other.footprint()]).toEqual(before)
})

test('deals are found by name, amount, stage and contact, and added up per currency', async () => {
  const tenant = await house.workspace('Lists')
  const own = await pipeline(tenant)
  const made = await tenant.mutate('createContact', { email: 'kim@kite.example' }, 'contact { id }')
  const contact = (made.contact as { id: string }).id
  await open({ name: 'Ärger', amount: { amount: '100', currency: 'EUR' }, contact }, tenant, own.lead)
  await open({ name: 'Bliss', amount: { amount: '50.25', currency: 'EUR' } }, tenant, own.proposal)
  await open({ name: 'Calm', amount: { amount: '7', currency: 'USD' } }, tenant, own.lead)
  await open({ name: 'Doubt' }, tenant, own.lead)
  const names = async (filter: string) => {
    const { deals } = await tenant.query(
      `{ deals(filter: { ${filter} }, orderBy: [{ field: NAME }]) { nodes { name } } }`,
    )
    return (deals as { nodes: { name: string }[] }).nodes.map(({ name }) => name)
  }
  expect(await names('name: { startsWith: "arg" }')).toEqual(['Ärger'])
  expect(await names('amount: { currency: "EUR", gte: "100" }')).toEqual(['Ärger'])
  expect(await names(`stage: { id: { eq: "${own.proposal}" } }`)).toEqual(['Bliss'])
  expect(await names('stage: { kind: { eq: OPEN } }, not: { amount: { isNull: true } }')).toEqual([
    'Ärger',
    'Bliss',
    'Calm',
  ])
  expect(await names('contact: { email: { endsWith: "kite.example" } }')).toEqual(['Ärger'])
  expect(await names('contact: { isNull: true }')).toEqual(['Bliss', 'Calm', 'Doubt'])
  const { deals, contacts } = await tenant.query(
    `{ deals(first: 1, orderBy: [{ field: AMOUNT, direction: ASC }]) { totalCount totalAmount { text } nodes { name } }
      contacts { nodes { deals { nodes { name } totalAmount { text } } } } }`,
  )
  expect(deals).toEqual({
    totalCount: 4,
    totalAmount: [{ text: '€150.25' }, { text: '$7.00' }],
    nodes: [{ name: 'Bliss' }],
  })
  expect(contacts).toEqual({ nodes: [{ deals: { nodes: [{ name: 'Ärger' }], totalAmount: [{ text: '€100.00' }] } }] })
})

test('who follows one deal is told when that one comes to another stage', async () => {
  const [mine, other] = [await open(), await open()]
  const items = await acme.follow(
    `subscription { dealStageChanged(deal: "${mine}") { deal { id } from { name } to { name } event { type } } }`,
  )
  const next = items.next()
  await move(other, stages.proposal)
  await move(mine, stages.proposal)
  expect((await next).value).toEqual({
    dealStageChanged: {
      deal: { id: mine },
      from: { name: 'Lead' },
      to: { name: 'Proposal' },
      event: { type: 'DEAL_STAGE_CHANGED' },
    },
  })
})
