// The whole server with a workspace in it that has one of everything, asked what nobody should ask. Whatever comes in,
// the answer is one of the caller's: never a fault, never a line in the log that somebody would be woken by.

import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect } from 'vitest'
import { createToolRegistry } from '../../src/agent/tools/registry.ts'
import { connectAgent } from '../../src/agent/wiring.ts'
import { createAccountMeans } from '../../src/domains/accounts/means.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { createMailer } from '../../src/domains/mail/mailer.ts'
import { PERMISSIONS } from '../../src/platform/auth/viewer.ts'
import { systemClock } from '../../src/platform/lib/clock.ts'
import { newId } from '../../src/platform/lib/ids.ts'
import { idsOf } from '../every-operation/ids.ts'
import { buildWorld } from '../every-operation/world.ts'
import { systemContext, testLog } from '../support/context.ts'
import { type ServedApp, serveApp } from '../support/served-app.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'

export const MARK = 'Fuzz'

export interface House {
  readonly served: ServedApp
  readonly endpoint: string
  readonly key: string
  /** Ids of its things by their kinds; not of the key it asks with, nor of who that speaks for. */
  readonly ids: Readonly<Record<string, readonly string[]>>
}

export interface Request {
  readonly query: string
  readonly variables?: unknown
  readonly extensions?: unknown
}

export interface Sound {
  readonly status: number
  readonly text: string
}

/** There for all tests of the file. What was logged as a fault fails the file, also what came after its answer. */
export function openHouse(): House {
  const house: { -readonly [Member in keyof House]?: House[Member] } = {}
  beforeAll(async () => {
    const served = await serveApp({ development: true })
    house.served = served
    house.endpoint = `${served.url}/graphql`
    const { db } = served.app
    const owner = new pg.Pool({ connectionString: served.ownerUrl, max: 1 })
    const mailer = createMailer({ folder: openTemporaryFolder('cadre-mail-'), defaultFrom: 'cadre@localhost' })
    const registry = createToolRegistry({ mailer })
    connectAgent(registry)
    const workspaceId = newId()
    const accounts = createAccountMeans({
      db,
      clock: systemClock,
      log: testLog,
      mailer,
      signUp: 'open',
      publicUrl: () => 'http://cadre.example',
      tellLinks: false,
    })
    const ctx = { ...systemContext(db, workspaceId), accounts }
    const { memberId } = await buildWorld(ctx, MARK, registry)
    const issue = { memberId, name: 'Fuzz', permissions: [...PERMISSIONS], expiresAt: null }
    const made = await db.inTransaction(ctx, (tx) => issueApiKey(tx, { ...issue, environment: 'TEST' }))
    house.key = made.key
    const { api_key: _, ...ids } = await idsOf(owner, workspaceId)
    house.ids = { ...ids, member: (ids.member ?? []).filter((id) => id !== `member_${memberId}`) }
    await owner.end()
    accounts.close()
    mailer.close()
  })
  afterAll(async () => {
    const { served, endpoint = '', key = '' } = house
    // Else nothing was tried: everything would have been refused at the door.
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: '{"query":"{ cursor }"}',
    })
    expect(await answer.json()).toMatchObject({ data: { cursor: expect.any(String) } })
    await served?.close()
    expect(served?.lines).toEqual([])
  })
  return house as House
}

/** Throws when the answer tells of a fault, or the log does. */
export async function sound(response: Response, { served }: House): Promise<Sound> {
  const text = await response.text()
  const { status } = response
  if (status >= 500 || text.includes('"INTERNAL"')) throw new Error(`${status} ${text}\n${served.lines.join('')}`)
  if (served.lines.length > 0) throw new Error(served.lines.join(''))
  return { status, text }
}

export const ask = async (house: House, request: Request): Promise<Sound> =>
  sound(
    await fetch(house.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${house.key}` },
      body: JSON.stringify(request),
    }),
    house,
  )

/** How many runs a property has in the long tests: ten times as many at full size. */
export const manyRuns = (many: number): number => (process.env.FULL === '1' ? many * 10 : many)

/** Always the same unless told, so that a test that passed passes again; `FUZZ_SEED=7` looks elsewhere. */
export const SEED = Number(process.env.FUZZ_SEED ?? 20_261_126)

/** Holds a property for so many values. A failure prints the seed and the smallest value that fails. */
export async function holds<Value>(
  values: fc.Arbitrary<Value>,
  numRuns: number,
  predicate: (value: Value) => Promise<void>,
): Promise<void> {
  await fc.assert(fc.asyncProperty(values, predicate), { seed: SEED, numRuns })
}
