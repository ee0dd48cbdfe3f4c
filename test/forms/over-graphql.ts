import { rmSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { issueApiKey } from '../../src/domains/keys/service.ts'
import { PERMISSIONS, type Permission } from '../../src/platform/auth/viewer.ts'
import { testLog } from '../support/context.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { House } from './arrange.ts'

// An answer's shape is what each test asks about.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Data = any

const ERRORS = `
  ... on InvalidInputError { issues { field code message } }
  ... on NotFoundError { id }
  ... on ConflictError { reason current { id } }
  ... on UserError { code message }`

export const SUBMIT_ERRORS = `
  ... on InvalidInputError { issues { field code } }
  ... on ConflictError { reason }
  ... on LimitExceededError { limit retryAfterMs }
  ... on UserError { code message }`
export const SUBMIT = `mutation ($input: SubmitFormInput!) { submitForm(input: $input) {
  __typename ... on SubmitFormPayload { id replayed cursor } ${SUBMIT_ERRORS} } }`

/** A form that asks of everything something. */
export const definition = {
  instructions: 'Answer within the hour.',
  fields: [
    { key: 'email', kind: 'EMAIL', label: 'E-mail', required: true, contactField: 'EMAIL' },
    { key: 'name', kind: 'TEXT', label: 'Name' },
    { key: 'budget', kind: 'CURRENCY', label: 'Budget', currency: 'EUR' },
    { key: 'team', kind: 'NUMBER', label: 'Team', min: 1 },
    { key: 'tools', kind: 'MULTI_SELECT', label: 'Tools', options: [{ value: 'crm', label: 'A CRM' }] },
    { key: 'start', kind: 'DATE', label: 'Start' },
    { key: 'terms', kind: 'CONSENT', label: 'Terms' },
  ],
  criteria: { conditions: [{ field: 'budget', op: 'GTE', value: 1000, label: 'Budget' }], threshold: 0.5 },
  response: { message: 'We call you.' },
}

interface Opened {
  readonly database: TestDatabase
  readonly app: App
  readonly house: House
  /** With all permissions. */
  readonly key: string
}

/** A server that works no runs, there for all tests of the file, and a workspace for each. */
export function openForms() {
  const opened: { -readonly [Part in keyof Opened]?: Opened[Part] } = {}
  const folder = openTemporaryFolder('cadre-forms-')
  const forms = opened as Opened

  beforeAll(async () => {
    opened.database = await createTestDatabase()
    const { url } = opened.database
    opened.app = await createApp({
      config: loadConfig({ DATABASE_URL: url, PORT: '0', CADRE_DIR: folder }, false),
      log: testLog,
      urls: { appUrl: url, systemUrl: url, systemDirectUrl: url },
      serve: true,
      work: false,
      development: true,
    })
  })
  afterAll(async () => {
    await opened.app?.close()
    await opened.database?.drop()
    rmSync(folder, { recursive: true, force: true })
  })
  /** Makes a workspace, which is asked as from now on. */
  async function enter(): Promise<void> {
    opened.house = await House.open(forms.app.db, forms.database.url)
    opened.key = await makeKey(PERMISSIONS)
  }
  beforeEach(enter)

  async function makeKey(permissions: readonly Permission[]): Promise<string> {
    const [member] = await forms.house.rows<{ id: string }>('select id from member where workspace_id = $1')
    const memberId = member?.id ?? ''
    const input = {
      memberId,
      name: 'Test',
      environment: 'TEST' as const,
      permissions: [...permissions],
      expiresAt: null,
    }
    return (await forms.house.do((tx) => issueApiKey(tx, input))).key
  }

  async function ask(
    query: string,
    variables: object = {},
    as: string | null = forms.key,
  ): Promise<{ data: Data; errors: Data[] }> {
    const response = await fetch(`${forms.app.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(as === null ? {} : { authorization: `Bearer ${as}` }) },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as { data: Data; errors?: Data[] }
    return { data, errors: errors ?? [] }
  }

  /** Data of what must go well. */
  async function read(query: string, variables: object = {}, as: string | null = forms.key): Promise<Data> {
    const { data, errors } = await ask(query, variables, as)
    expect(errors).toEqual([])
    return data
  }

  const mutate = async (name: string, input: object, selection: string, errors = ERRORS): Promise<Data> => {
    const base = `${name[0]?.toUpperCase()}${name.slice(1)}`
    const document = `mutation ($input: ${base}Input!) { result: ${name}(input: $input) {
    __typename ... on ${base}Payload { ${selection} } ${errors} } }`
    return (await read(document, { input })).result
  }

  return { opened: forms, enter, makeKey, ask, read, mutate }
}
