// A workspace whose keys are tried, and how they are made, rotated and revoked. `house` and `acme` are those of the file
// that runs.

import { afterAll, beforeAll, expect } from 'vitest'
import { createLogger } from '../../src/platform/observability/logger.ts'
import { type Answer, type House, openHouse, type Tenant } from './house.ts'

export let house: House
export let acme: Tenant
export const logged: string[] = []

/** There for all tests of the file that calls it. */
export function keysOfAcme(): void {
  beforeAll(async () => {
    const stream = { write: (line: string) => void logged.push(line) }
    house = await openHouse({ log: createLogger({ level: 'debug', format: 'json', stream }) })
    acme = await house.workspace()
  })
  afterAll(() => house.close())
}

export const SHOWN = `apiKey { id name prefix environment status permissions effectivePermissions expiresAt revokedAt
  previousSecretExpiresAt version } secret replayed`

export interface Shown {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly status: string
  readonly version: number
  readonly permissions: readonly string[]
  readonly expiresAt: string | null
  readonly previousSecretExpiresAt: string | null
}
export interface Made extends Answer {
  readonly apiKey: Shown
  readonly secret: string
  readonly replayed: boolean
}

export const make = async (input: Record<string, unknown> = {}, as = acme): Promise<Made> => {
  const made = await as.mutate(
    'createApiKey',
    { name: 'Board', permissions: ['DEALS_READ', 'KEYS_WRITE'], ...input },
    SHOWN,
  )
  expect(made.__typename).toBe('CreateApiKeyPayload')
  return made as Made
}
export const rotate = (id: string, as = acme, more: Record<string, unknown> = {}, idempotencyKey?: string) =>
  as.mutate('rotateApiKey', { id, ...more }, SHOWN, idempotencyKey)
export const revoke = (id: string, as = acme) => as.mutate('revokeApiKey', { id }, 'apiKey { id status revokedAt }')

export const heldBy = async (tenant: Tenant): Promise<unknown> => {
  const { viewer } = await tenant.query('{ viewer { permissions } }')
  return (viewer as { permissions: unknown }).permissions
}
export const isRefused = (tenant: Tenant) =>
  expect.poll(() => tenant.errorCodes('{ viewer { permissions } }')).toEqual(['UNAUTHENTICATED'])
export const timelineOf = async (id: string) => {
  const { apiKey } = await acme.query(
    'query($id: ID!) { apiKey(id: $id) { timeline { nodes { summary changes { field from to } } } } }',
    { id },
  )
  return (apiKey as { timeline: { nodes: { summary: string; changes: { field: string }[] }[] } }).timeline.nodes
}
export const issue = (field: string, code: string) => ({ __typename: 'InvalidInputError', issues: [{ field, code }] })
export const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString()
