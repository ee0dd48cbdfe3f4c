import { afterAll, beforeAll } from 'vitest'
import { type House, openHouse, type Tenant } from './house.ts'

/** A house, there for all tests of the file; filled before the first. */
export function standingHouse(): House {
  const house = {} as House
  beforeAll(async () => {
    Object.assign(house, await openHouse())
  })
  afterAll(() => house.close?.())
  return house
}

/** A house with a workspace in it, there for all tests of the file; both are filled before the first. */
export function houseOfAcme() {
  const house = standingHouse()
  const acme = {} as Tenant
  beforeAll(async () => {
    Object.assign(acme, await house.workspace())
  })
  return { house, acme }
}
