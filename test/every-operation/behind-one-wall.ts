import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { How } from './attempts.ts'
import { type House, openHouse } from './house.ts'
import { askAtOnce } from './one-tick.ts'
import { takeOutPredicates, takeOutRowLevelSecurity } from './one-wall.ts'
import { strangersOrder } from './operations.ts'
import { type Watch, watchOver } from './strangers.ts'
import { tryEverything } from './try-everything.ts'

const WALLS = {
  'row-level security alone': async ({ db }: House) => takeOutPredicates(db.app),
  'the predicates alone': async ({ owner }: House) => takeOutRowLevelSecurity(owner),
}

/** Tests that either wall alone keeps every operation within its workspace. */
export function testBehindOneWall(how: How): void {
  describe.each(Object.entries(WALLS))('%s', (_name, takeOutTheOther) => {
    let house: House
    let watch: Watch

    beforeAll(async () => {
      house = await openHouse()
      watch = await watchOver(house.owner, house.b)
      await takeOutTheOther(house)
    })
    afterAll(() => house.close())

    test('keep operations apart that start in one tick', () => askAtOnce(house))

    for (const operation of strangersOrder) {
      test(`keep ${operation.name} within its workspace`, async () => {
        expect(await tryEverything(operation, house, watch, how)).toBeGreaterThan(0)
      })
    }
  })
}
