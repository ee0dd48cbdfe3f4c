import { afterAll, beforeAll, expect, test } from 'vitest'
import { PERMISSIONS, type Permission } from '../../src/platform/auth/viewer.ts'
import { permissionsOfField } from '../../src/platform/graphql/permission-plugin.ts'
import type { Request } from './asker.ts'
import { type House, openHouse } from './house.ts'
import { mutations, type Operation, queries, subscriptions, trialOf } from './operations.ts'
import type { Outcome } from './outcomes.ts'
import { findOwnCall, requestOf, tryOnce } from './own-calls.ts'

/** What anybody may call, with no credential at all. Whoever adds to this list says so to the world. */
const PUBLIC = ['invitePreview', 'submitForm']

/** What needs a credential and no permission: whose answer tells of the caller, or asks for what is behind it. */
const FOR_ANY_KEY = ['cursor', 'node', 'nodes', 'viewer']

function needsOf({ field }: Operation): { permissions: Permission[]; isPublic: boolean } {
  const found = permissionsOfField(field)
  return {
    permissions: found.filter((each) => each !== 'public' && each !== 'session'),
    isPublic: found.includes('public'),
  }
}

/** What some of their things ask besides: to touch an owner, or to learn a key that holds more than one's own. */
const BESIDES: Readonly<Record<string, readonly Permission[]>> = {
  removeMember: ['OWNERS_WRITE'],
  updateMember: ['OWNERS_WRITE'],
  rotateApiKey: PERMISSIONS,
}

let house: House

beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

test('what is public is what this test says is public', () => {
  const found = [...queries, ...mutations, ...subscriptions].filter((operation) => needsOf(operation).isPublic)
  expect(found.map(({ name }) => name)).toEqual(PUBLIC)
})

test('everything else asks for a permission, but for what any key may', () => {
  const without = [...queries, ...mutations, ...subscriptions].filter(
    (operation) => needsOf(operation).permissions.length === 0,
  )
  expect(without.map(({ name }) => name).sort()).toEqual([...FOR_ANY_KEY, ...PUBLIC].sort())
})

/** What comes of a call with these permissions, and with those that its thing is known to ask besides. */
async function tryWith(held: readonly Permission[], operation: Operation, request: Request): Promise<Outcome> {
  const outcome = await tryOnce(operation, request, await house.a.as(held))
  const further = (BESIDES[operation.name] ?? []).find((each) => each === outcome.needs && !held.includes(each))
  return further === undefined ? outcome : tryWith([...held, further], operation, request)
}

for (const operation of [...queries, ...mutations, ...subscriptions]) {
  const { permissions, isPublic } = needsOf(operation)
  const needs = isPublic ? 'nothing' : permissions.length === 0 ? 'a credential' : permissions.join(' and ')

  test(`${operation.name} needs ${needs}: with less it is refused, with that it is not`, async () => {
    const { a, anonymous } = house
    const enough = await a.as(permissions)
    const call = await findOwnCall(operation, a, enough)
    const document = trialOf(operation)
    const request = requestOf(document, operation, call)
    if (!isPublic) expect(await tryOnce(operation, request, anonymous)).toMatchObject({ code: 'UNAUTHENTICATED' })
    for (const permission of permissions) {
      const others = await a.as(PERMISSIONS.filter((each) => each !== permission))
      expect(await tryOnce(operation, request, others)).toMatchObject({ code: 'FORBIDDEN', needs: permission })
    }
    // Whatever state its things are in: more permissions change nothing.
    if (operation.kind !== 'mutation') return
    for (const [place, id] of Object.entries(call.given)) {
      const kind = Object.keys(a.ids).find((each) => a.ids[each]?.includes(String(id)))
      for (const other of a.ids[kind ?? ''] ?? []) {
        const same = requestOf(document, operation, call, { [place]: other })
        expect(await tryWith(permissions, operation, same)).toEqual(await tryOnce(operation, same, a.all))
      }
    }
  })
}
