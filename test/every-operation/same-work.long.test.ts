// Whether a thing is another workspace's or nobody's takes the same work to say: the same statements, in the same order. Who
// measures how long an answer takes learns nothing by it.

import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Request } from './asker.ts'
import { attemptsOn } from './attempts.ts'
import { type House, openHouse } from './house.ts'
import { documentOf, strangersOrder, trialOf } from './operations.ts'
import { findOwnCall } from './own-calls.ts'

let house: House
let asked: string[] = []
let compared = 0
let statements = 0

beforeAll(async () => {
  house = await openHouse()
  const query = pg.Client.prototype.query as (...args: unknown[]) => unknown
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    note(this, args[0])
    return query.apply(this, args) as never
  })
})
afterAll(async () => {
  vi.restoreAllMocks()
  await house.close()
})
beforeEach(() => {
  asked = []
})

/** Which connection a request gets, and for whom that was bound before, is by chance. */
const BY_CHANCE = /^\s*(begin|commit|rollback|start transaction|set |select set_config)/i

function note(client: pg.Client, statement: unknown): void {
  const { text } = typeof statement === 'string' ? { text: statement } : (statement as { readonly text: string })
  const { connectionParameters } = client as unknown as {
    readonly connectionParameters: { readonly application_name?: string }
  }
  if (connectionParameters.application_name === 'cadre-app' && !BY_CHANCE.test(text)) asked.push(text)
}

for (const operation of strangersOrder) {
  test(`${operation.name} asks the same for what is another workspace’s as for what nobody has`, async () => {
    const { a } = house
    const call = await findOwnCall(operation, a, a.all)
    const isMutation = operation.kind === 'mutation'
    const document = isMutation ? trialOf(operation) : documentOf(operation, 0)
    const workFor = async (request: Request): Promise<readonly string[]> => {
      asked = []
      await a.all[isMutation ? 'dry' : 'ask'](request)
      return asked
    }
    for (const attempt of await attemptsOn(operation, house, call, 'BRIEF')) {
      const [theirs, nobodys] = [attempt.foreign, attempt.ghost].map((word) => attempt.request(document, word))
      if (theirs === undefined || nobodys === undefined) continue
      expect({ of: attempt.foreign, work: await workFor(theirs) }).toEqual({
        of: attempt.foreign,
        work: await workFor(nobodys),
      })
      compared += 1
      statements += asked.length
    }
  })
}

test('what was compared is more than a few requests', () => {
  expect(compared).toBeGreaterThan(100)
  expect(statements).toBeGreaterThan(compared)
})
