// What https://graphql.github.io/graphql-over-http/draft/ asks of a server, as graphql-http's own audits ask it: of the
// whole server, as it serves at home and as it serves in production.

import { serverAudits } from 'graphql-http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { PERMISSIONS } from '../../src/platform/auth/viewer.ts'
import { insertWorkspace, systemContext } from '../support/context.ts'
import { type ServedApp, serveApp } from '../support/served-app.ts'

/** How many there are: one that went away unnoticed would be one that nobody looks at. */
const AUDITS = 61

/** They ask `{ __type(name: $name) { name } }` to see whether variables arrive, which production refuses to answer. */
const BY_INTROSPECTION = ['2EA1', '28B9', 'D6D5', '6A70']

describe.each([
  ['at home', true, []],
  ['in production', false, BY_INTROSPECTION],
])('%s', (_where, development, unanswered) => {
  let served: ServedApp
  let key = ''

  beforeAll(async () => {
    served = await serveApp({ development })
    const { db } = served.app
    const { id, memberId } = await insertWorkspace(db)
    const wanted = { memberId, name: 'Auditor', permissions: [...PERMISSIONS], expiresAt: null }
    key = (await db.inTransaction(systemContext(db, id), (tx) => issueApiKey(tx, { ...wanted, environment: 'TEST' })))
      .key
  })
  afterAll(() => served.close())

  describe.each([
    ['with a key', () => ({ authorization: `Bearer ${key}` })],
    ['without a key', () => ({})],
  ])('%s', (_how, credential) => {
    const ask = (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...credential() } })

    test('every audit of GraphQL over HTTP passes that asks for no introspection where there is none', async () => {
      const failed: string[] = []
      const audits = serverAudits({ url: `${served.url}/graphql`, fetchFn: ask })
      for (const { id, name, fn } of audits) {
        const result = await fn()
        if (result.status !== 'ok') failed.push(`${id} ${name}: ${result.reason}`)
      }
      expect(failed.filter((line) => !unanswered.some((id) => line.startsWith(id)))).toEqual([])
      expect([audits.length, failed.length]).toEqual([AUDITS, unanswered.length])
      expect(served.lines).toEqual([])
    })

    test.each(['application/json', 'application/graphql-response+json'])(
      'variables arrive by POST and by GET, answered as %s',
      async (accept) => {
        const query = 'query ($no: Boolean!) { __typename asked: __typename @skip(if: $no) }'
        const search = new URLSearchParams({ query, variables: '{"no":true}' })
        const answers = [
          await ask(`${served.url}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', accept },
            body: JSON.stringify({ query, variables: { no: true } }),
          }),
          await ask(`${served.url}/graphql?${search}`, { headers: { accept } }),
        ]
        for (const answer of answers) {
          const { data } = (await answer.json()) as { data?: unknown }
          expect([data, answer.status]).toEqual([{ __typename: 'Query' }, 200])
          expect(answer.headers.get('content-type')).toContain(accept)
        }
      },
    )
  })
})
