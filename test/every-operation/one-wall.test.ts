import { expect, test } from 'vitest'
import { type House, openHouse } from './house.ts'
import { takeOutPredicates, takeOutRowLevelSecurity } from './one-wall.ts'

/** Whether A is shown a deal of B. */
async function seesThrough({ a, b }: House): Promise<boolean> {
  const query = 'query ($id: ID!) { node(id: $id) { id } }'
  const { data } = await a.all.ask({ query, variables: { id: b.ids.deal?.[0] } })
  return (data as { node: unknown }).node !== null
}

test('with neither wall one workspace sees the other: what is taken down in these tests had been there', async () => {
  const house = await openHouse()
  try {
    takeOutPredicates(house.db.app)
    expect(await seesThrough(house)).toBe(false)
    await takeOutRowLevelSecurity(house.owner)
    expect(await seesThrough(house)).toBe(true)
  } finally {
    await house.close()
  }
})
