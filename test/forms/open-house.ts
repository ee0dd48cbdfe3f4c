import { beforeEach } from 'vitest'
import { openTestDatabase } from '../support/open-test-database.ts'
import { House } from './arrange.ts'

/** A database for all tests of the file, and for each of them a workspace on it. Both are filled before the test. */
export function openHouse() {
  const { database, db } = openTestDatabase()
  const house = Object.create(House.prototype) as House
  beforeEach(async () => {
    Object.assign(house, await House.open(db, database.url))
  })
  return { database, db, house }
}
