import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, openHouse } from './house.ts'
import { askAtOnce } from './one-tick.ts'
import { kindOf, nodeTypes, strangersOrder } from './operations.ts'
import { type Watch, watchOver } from './strangers.ts'
import { tryEverything } from './try-everything.ts'

let house: House
let watch: Watch
let calls = 0

beforeAll(async () => {
  house = await openHouse()
  watch = await watchOver(house.owner, house.b)
})
afterAll(() => house.close())

test('both workspaces have at least one of everything that has an id', async () => {
  const query = 'query ($id: ID!) { node(id: $id) { __typename } }'
  for (const { all, ids } of [house.a, house.b]) {
    for (const { name } of nodeTypes) {
      const { data } = await all.ask({ query, variables: { id: ids[kindOf(name)]?.[0] ?? `no ${name}` } })
      expect({ name, data }).toEqual({ name, data: { node: { __typename: name } } })
    }
  }
})

test('operations of two workspaces that start in one tick tell each its own', () => askAtOnce(house), 180_000)

for (const operation of strangersOrder) {
  test(`${operation.name} tells and does nothing across workspaces, and a foreign id is one that nobody has`, async () => {
    calls += await tryEverything(operation, house, watch, 'BRIEF')
  })
}

test('what was tried is more than a few calls', () => {
  expect(calls).toBeGreaterThan(500)
})
