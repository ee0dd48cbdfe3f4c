import { afterAll, beforeAll, expect, test } from 'vitest'
import { type House, openHouse, type Tenant } from '../domains/house.ts'
import { FIELDS } from './arrange.ts'

// Whose web pages may send a workspace's forms.

const ACME = 'https://www.acme.example'
const EVIL = 'https://evil.example'

let house: House
beforeAll(async () => {
  house = await openHouse({ env: { CORS_ORIGINS: 'https://app.example' } })
})
afterAll(() => house.close())

let people = 0
const answers = () => ({ email: `p${++people}@example.com` })

async function formOf(tenant: Tenant) {
  const made = await tenant.mutate(
    'createForm',
    { name: 'Book a demo', slug: 'demo', fields: FIELDS, limits: { perAddressPerHour: null } },
    'form { id path }',
  )
  const { id, path } = made.form as { id: string; path: string }
  await tenant.mutate('publishForm', { id })
  const url = new URL(path, house.endpoint).href
  const { origin: ownOrigin } = new URL(url)
  const answerOf = async (response: Response) => ({
    status: response.status,
    readable: response.headers.get('access-control-allow-origin'),
  })
  return {
    path,
    ownOrigin,
    count: async () => {
      const { submissions } = await tenant.query('{ submissions { totalCount } }')
      return (submissions as { totalCount: number }).totalCount
    },
    preflight: async (origin: string) => {
      const headers = {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      }
      return await answerOf(await fetch(url, { method: 'OPTIONS', headers }))
    },
    /** As a script of a page does. */
    post: async (origin?: string) =>
      await answerOf(
        await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...(origin === undefined ? {} : { origin }) },
          body: JSON.stringify(answers()),
        }),
      ),
    /** As an HTML form in a page does. */
    postPage: async (origin: string) =>
      await answerOf(
        await fetch(url, {
          method: 'POST',
          redirect: 'manual',
          headers: { 'content-type': 'application/x-www-form-urlencoded', origin },
          body: new URLSearchParams(answers()),
        }),
      ),
  }
}

const allow = (tenant: Tenant, allowedOrigins: readonly string[] | null) =>
  tenant.mutate('updateWorkspaceSettings', { allowedOrigins }, 'workspace { settings { allowedOrigins } }')

test('with no origins listed a form is sent from any page, and by scripts of those that the server allows', async () => {
  const form = await formOf(await house.workspace('As before'))
  expect(await form.preflight('https://app.example')).toEqual({ status: 204, readable: 'https://app.example' })
  expect(await form.preflight(ACME)).toEqual({ status: 403, readable: null })
  expect(await form.postPage(EVIL)).toEqual({ status: 303, readable: null })
  expect(await form.post(EVIL)).toEqual({ status: 201, readable: null })
  expect(await form.post()).toEqual({ status: 201, readable: null })
})

test('with origins listed it is sent from their pages, from its own and by programs, and from no others', async () => {
  const tenant = await house.workspace('Listed')
  const form = await formOf(tenant)
  await allow(tenant, [ACME])
  expect(await form.preflight(ACME)).toEqual({ status: 204, readable: ACME })
  expect(await form.post(ACME)).toEqual({ status: 201, readable: ACME })
  expect(await form.postPage(ACME)).toEqual({ status: 303, readable: ACME })
  expect(await form.postPage(form.ownOrigin)).toMatchObject({ status: 303 })
  expect(await form.post()).toEqual({ status: 201, readable: null })
  expect(await form.count()).toBe(4)
  // Neither another site, nor whom the server allows, nor a page that does not say where it is from.
  for (const origin of [EVIL, 'https://app.example', 'http://www.acme.example', `${ACME}:8443`, 'null']) {
    expect(await form.preflight(origin)).toEqual({ status: 403, readable: null })
    expect(await form.post(origin)).toEqual({ status: 403, readable: null })
    expect(await form.postPage(origin)).toEqual({ status: 403, readable: null })
  }
  expect(await form.count()).toBe(4)

  await allow(tenant, null)
  expect(await form.postPage(EVIL)).toMatchObject({ status: 303 })
  await allow(tenant, ['*'])
  expect(await form.preflight(EVIL)).toEqual({ status: 204, readable: EVIL })
  expect(await form.post(EVIL)).toEqual({ status: 201, readable: EVIL })
})

test('what a page sends by the API without a credential is held to it, too', async () => {
  const tenant = await house.workspace('API')
  const form = await formOf(tenant)
  await allow(tenant, [ACME])
  const submit = async (headers: Record<string, string>) => {
    const query = `mutation($input: SubmitFormInput!) { submitForm(input: $input) { __typename } }`
    const variables = { input: { form: { path: form.path }, answers: answers() } }
    const body = JSON.stringify({ query, variables })
    const response = await fetch(house.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    const { data, errors } = (await response.json()) as {
      data?: { submitForm?: { __typename: string } }
      errors?: { extensions: { code: string } }[]
    }
    return errors?.[0]?.extensions.code ?? data?.submitForm?.__typename
  }
  expect(await submit({ origin: 'https://app.example' })).toBe('FORBIDDEN')
  expect(await form.count()).toBe(0)
  expect(await submit({ origin: ACME })).toBe('SubmitFormPayload')
  expect(await submit({})).toBe('SubmitFormPayload')
  expect(await submit({ origin: form.ownOrigin })).toBe('SubmitFormPayload')
  const authorization = `Bearer ${tenant.key}`
  expect(await submit({ origin: 'https://app.example', authorization })).toBe('SubmitFormPayload')
})
