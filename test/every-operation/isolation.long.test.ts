import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, openHouse } from './house.ts'
import { strangersOrder } from './operations.ts'
import { type Watch, watchOver } from './strangers.ts'
import { tryEverything } from './try-everything.ts'

let house: House
let watch: Watch

beforeAll(async () => {
  house = await openHouse()
  watch = await watchOver(house.owner, house.b)
})
afterAll(() => house.close())

// By every role, at every place; at full size down to the last comparator.
for (const operation of strangersOrder) {
  test(`${operation.name} keeps within its workspace whatever it is asked, and by whom`, async () => {
    expect(await tryEverything(operation, house, watch, process.env.FULL === '1' ? 'WHOLE' : 'USUAL')).toBeGreaterThan(
      0,
    )
  })
}
