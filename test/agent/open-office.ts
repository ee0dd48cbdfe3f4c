import { afterAll, beforeAll } from 'vitest'
import { openTestDatabase } from '../support/open-test-database.ts'
import { Office, type OfficeOptions } from './arrange.ts'

/** An office on a database of its own, there for all tests of the file. Like the database, it is filled before the first. */
export function openOffice(options?: OfficeOptions) {
  const { database, db } = openTestDatabase()
  const office = Object.create(Office.prototype) as Office
  beforeAll(async () => {
    Object.assign(office, await Office.open(db, database.url, options))
  })
  afterAll(() => office.close())
  return { database, db, office }
}
