import { expect, test } from 'vitest'
import { holdSequencing } from '../events/hold-sequencing.ts'
import { openSample } from './open-sample.ts'
import { type Answer, ask } from './server.ts'

const { server, acme } = openSample()

/** The answer to what was asked while nothing was moved into the log, which begins again some time after there was cause. */
async function heldUp(asked: () => Promise<Answer>): Promise<Answer> {
  const { awaited, letGo } = await holdSequencing(server.db)
  const answer = asked()
  await awaited()
  await Promise.race([answer, new Promise((go) => setTimeout(go, 1_000))])
  await letGo()
  return answer
}

const CREATE_DEAL = `mutation ($input: CreateDealInput!) { createDeal(input: $input) {
  ... on CreateDealPayload { deal { id } } } }`
const CREATED = [{ type: 'DEAL_CREATED' }]

test('a mutation that asks for the timeline of what it made finds what it has done there', async () => {
  const { data } = await heldUp(() =>
    ask(
      server,
      acme.key,
      `mutation ($input: CreateDealInput!) { createDeal(input: $input) {
        ... on CreateDealPayload { deal { timeline { nodes { type } } } } } }`,
      { input: { name: 'In its own timeline', stage: acme.open } },
    ),
  )
  expect(data.createDeal.deal.timeline.nodes).toEqual(CREATED)
})

test('who reads the log after a mutation finds it there, in the list and in the timeline', async () => {
  const { data } = await heldUp(async () => {
    const made = await ask(server, acme.key, CREATE_DEAL, { input: { name: 'Read afterwards', stage: acme.open } })
    return ask(
      server,
      acme.key,
      `query ($id: ID!) { events(last: 1) { nodes { type subject { id } } }
        node(id: $id) { id ... on Deal { timeline { nodes { type } } } } }`,
      { id: made.data.createDeal.deal.id },
    )
  })
  expect(data.node.timeline.nodes).toEqual(CREATED)
  expect(data.events.nodes).toEqual([{ type: 'DEAL_CREATED', subject: { id: data.node.id } }])
})

test('what is only tried finds in the log what was done before it, and waits for nothing of its own', async () => {
  const { data } = await heldUp(async () => {
    const made = await ask(server, acme.key, CREATE_DEAL, { input: { name: 'Tried', stage: acme.open } })
    return ask(
      server,
      acme.key,
      `mutation ($input: MoveDealInput!) { moveDeal(input: $input) @dryRun {
        ... on MoveDealPayload { deal { stage { name } timeline { nodes { type } } } } } }`,
      { input: { id: made.data.createDeal.deal.id, stage: acme.won } },
    )
  })
  expect(data.moveDeal.deal).toEqual({ stage: { name: 'Won' }, timeline: { nodes: CREATED } })
})
