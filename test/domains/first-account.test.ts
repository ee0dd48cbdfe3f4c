import { rmSync } from 'node:fs'
import pino from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { insertWorkspace } from '../support/context.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { caller, PASSWORD, sessionOf } from './people.ts'

let database: TestDatabase
const folder = openTemporaryFolder('cadre-first-account-')
const apps: App[] = []

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(async () => {
  for (const app of apps) await app.close()
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

/** A server by invitation, and the links that its log tells. */
async function start() {
  const links: string[] = []
  const write = (line: string) => {
    const { link } = JSON.parse(line) as { link?: string }
    if (link !== undefined) links.push(link)
  }
  const { url } = database
  const app = await createApp({
    config: loadConfig({ DATABASE_URL: url, PORT: '0', CADRE_DIR: folder, SIGN_UP: 'invited' }, false),
    log: pino({ level: 'info' }, { write }),
    urls: { appUrl: url, systemUrl: url, systemDirectUrl: url },
    serve: true,
    work: false,
    development: false,
  })
  apps.push(app)
  return {
    links,
    app,
    as: caller({ endpoint: `${app.url}/graphql` }),
    at: (token: string) => caller({ endpoint: `${app.url}/graphql` }, token),
  }
}

test('a server by invitation tells its first person how to sign up, and makes them the owner of what is there', async () => {
  const first = await start()
  const second = await start()
  const token = new URL(first.links[0] ?? '').searchParams.get('invite')
  expect(token).toMatch(/^cadre_setup_/)
  expect(new URL(second.links[0] ?? '').searchParams.get('invite')).toBe(token)
  const { id } = await insertWorkspace(first.app.db, 'Made before')

  const input = { email: 'first@people.example', name: 'First', password: PASSWORD }
  const refused = { __typename: 'InvalidInputError' }
  expect(await first.as.mutate('signUp', input)).toMatchObject({ ...refused, issues: [{ code: 'REQUIRED' }] })
  const forged = `cadre_setup_${'x'.repeat(43)}`
  expect(await first.as.mutate('signUp', { ...input, inviteToken: forged })).toMatchObject(refused)

  const tries = await Promise.all(
    Array.from({ length: 10 }, (_, n) => {
      const { as } = n % 2 === 0 ? first : second
      return as.mutate('signUp', { ...input, email: `first-${n}@people.example`, inviteToken: token })
    }),
  )
  const [winner, ...others] = tries.filter((answer) => answer.__typename === 'SignUpPayload')
  expect(others).toEqual([])
  const session = sessionOf(winner ?? { __typename: 'Error' })
  expect(session.workspace).toMatchObject({ workspaceId: `workspace_${id}`, role: 'OWNER' })
  expect(await second.as.mutate('signUp', { ...input, inviteToken: token })).toMatchObject(refused)
  expect((await start()).links).toEqual([])

  const owner = first.at(session.accessToken.token)
  expect(sessionOf(await owner.mutate('createWorkspace', { name: 'Another' })).workspace).toMatchObject({
    role: 'OWNER',
  })
  const { secret } = await owner.mutate('inviteMember', { email: 'bob@people.example', role: 'MEMBER' })
  const bob = sessionOf(await first.as.mutate('signUp', { ...input, email: 'bob@people.example', inviteToken: secret }))
  const founding = await first.at(bob.accessToken.token).mutate('createWorkspace', { name: 'Bob’s own' })
  expect(founding).toMatchObject({ __typename: 'ConflictError', reason: 'CLOSED' })
})
