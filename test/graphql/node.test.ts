import { describe, expect, test } from 'vitest'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { openSample } from './open-sample.ts'
import { ask, createDeal } from './server.ts'

const { server, acme, other } = openSample()

describe('one thing', () => {
  test('is found by its id, and what is foreign, unknown or malformed is null', async () => {
    const mine = await createDeal(server, acme, 'Mine')
    const foreign = await createDeal(server, other, 'Foreign')
    const ids = [
      mine,
      foreign,
      encodeId('deal', newId()),
      'deal_x',
      '',
      acme.open,
      mine.toUpperCase(),
      'event_0',
      'step_1_2',
      'nothing_at_all',
    ]
    const { data, errors } = await ask(
      server,
      acme.key,
      'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Deal { stage { name } } } }',
      { ids },
    )
    expect(errors).toBeUndefined()
    expect(data.nodes).toEqual([
      { __typename: 'Deal', id: mine, stage: { name: 'Open' } },
      null,
      null,
      null,
      null,
      { __typename: 'Stage', id: acme.open },
      null,
      null,
      null,
      null,
    ])
    for (const id of ids.slice(1)) {
      const one = await ask(server, acme.key, 'query ($id: ID!) { deal(id: $id) { id } }', { id })
      expect(one.data).toEqual({ deal: null })
    }
  })

  test('needs its type’s permission, whichever way leads to it', async () => {
    const id = await createDeal(server, acme, 'Guarded')
    const { plain } = await server.key(acme, ['EVENTS_READ'])
    const { data, errors } = await ask(
      server,
      plain,
      `query ($id: ID!) { node(id: $id) { id } deal(id: $id) { id } events(last: 1) { nodes { summary subject { id } detail { ... on DealCreated { event { id } } } } } }`,
      { id },
    )
    expect(data).toMatchObject({
      node: null,
      deal: null,
      events: { nodes: [{ subject: null, summary: 'Test created a deal' }] },
    })
    expect(errors?.map((err) => [err.path.join('.'), err.extensions.code, err.extensions.needs])).toEqual([
      ['deal', 'FORBIDDEN', 'DEALS_READ'],
      ['node', 'FORBIDDEN', 'DEALS_READ'],
    ])
    const list = await ask(server, plain, '{ deals { totalCount } }')
    expect(list.data).toBeNull()
  })
})

test('100 executions of 5 tenants started in one tick each see their own rows and nobody else’s', async () => {
  const houses = await Promise.all(Array.from({ length: 5 }, (_, index) => server.house(`House ${index}`)))
  const deals = await Promise.all(houses.map((house, index) => createDeal(server, house, `of ${index}`)))
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, turn) => {
      const index = turn % 5
      return ask(
        server,
        houses[index]?.key,
        `query ($own: ID!, $next: ID!) {
          own: node(id: $own) { ... on Deal { name stage { id } timeline { nodes { actor { name } } } } }
          foreign: node(id: $next) { id }
          deals { totalCount nodes { id name stage { name } } }
        }`,
        { own: deals[index], next: deals[(index + 1) % 5] },
      )
    }),
  )
  for (const [turn, { data, errors }] of answers.entries()) {
    const index = turn % 5
    expect(errors).toBeUndefined()
    expect(data).toMatchObject({
      own: { name: `of ${index}`, stage: { id: houses[index]?.open } },
      foreign: null,
      deals: { totalCount: 1, nodes: [{ id: deals[index], name: `of ${index}`, stage: { name: 'Open' } }] },
    })
  }
})
