import { expect, test } from 'vitest'
import { whileHeld } from '../events/hold-sequencing.ts'
import { openSample } from './open-sample.ts'
import { type Answer, ask } from './server.ts'

const { server, acme } = openSample()

const heldUp = (asked: () => Promise<Answer>) => whileHeld(server.db, asked)

/** A new deal's id. Its `cursor`, for which a mutation waits until the log has it, is not asked for. */
async function createUnawaited(name: string): Promise<string> {
  const query = `mutation ($input: CreateDealInput!) { createDeal(input: $input) { ... on CreateDealPayload { deal { id } } } }`
  const { data } = await ask(server, acme.key, query, { input: { name, stage: acme.open } })
  return data.createDeal.deal.id
}

const CREATED = [{ type: 'DEAL_CREATED' }]

test('a mutation that asks for the timeline of what it made finds what it has done there', async () => {
  const create = () =>
    ask(
      server,
      acme.key,
      `mutation ($input: CreateDealInput!) { createDeal(input: $input) {
        ... on CreateDealPayload { deal { timeline { nodes { type } } } } } }`,
      { input: { name: 'In its own timeline', stage: acme.open } },
    )
  // Once without being held up: the first answer of a server takes its time anyway.
  await create()
  const { data } = await heldUp(create)
  expect(data.createDeal.deal.timeline.nodes).toEqual(CREATED)
})

test('who reads the log after a mutation finds it there, in the list and in the timeline', async () => {
  const { data } = await heldUp(async () => {
    const id = await createUnawaited('Read afterwards')
    return ask(
      server,
      acme.key,
      `query ($id: ID!) { events(last: 1) { nodes { type subject { id } } }
        node(id: $id) { id ... on Deal { timeline { nodes { type } } } } }`,
      { id },
    )
  })
  expect(data.node.timeline.nodes).toEqual(CREATED)
  expect(data.events.nodes).toEqual([{ type: 'DEAL_CREATED', subject: { id: data.node.id } }])
})

test('what is only tried finds in the log what was done before it, and waits for nothing of its own', async () => {
  const { data } = await heldUp(async () => {
    const id = await createUnawaited('Tried')
    return ask(
      server,
      acme.key,
      `mutation ($input: MoveDealInput!) { moveDeal(input: $input) @dryRun {
        ... on MoveDealPayload { deal { stage { name } timeline { nodes { type } } } } } }`,
      { input: { id, stage: acme.won } },
    )
  })
  expect(data.moveDeal.deal).toEqual({ stage: { name: 'Won' }, timeline: { nodes: CREATED } })
})

test('who has the chain verified after a mutation has that verified, too', async () => {
  const verified = '{ verifyAuditLog { intact events } }'
  const { data: before } = await ask(server, acme.key, verified)
  const { data } = await heldUp(async () => {
    await createUnawaited('Verified')
    return ask(server, acme.key, verified)
  })
  expect(data.verifyAuditLog).toEqual({ intact: true, events: before.verifyAuditLog.events + 1 })
})
