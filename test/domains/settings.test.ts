import { describe, expect, test } from 'vitest'
import { reserve } from '../../src/domains/budgets/service.ts'
import { ALL_SETTINGS } from '../../src/domains/settings/model.ts'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { schema } from '../../src/schema.ts'
import { type Answer, type Tenant, WHO } from './house.ts'
import { standingHouse } from './standing-house.ts'

const house = standingHouse()

const SHOWN = `version approvalExpiry monthlyBudget { amount currency } budgetAlerts defaultModel roleModels { role model }
  maxTurns stuckAfter reviewSubmissionsAfter allowedOrigins mailAddress replyTo
  formLimits { perAddressPerHour perEmailPerHour minimumTimeMs duplicateWindowMinutes honeypot own }`
const FORM_LIMITS = {
  perAddressPerHour: 10,
  perEmailPerHour: 5,
  minimumTimeMs: 1500,
  duplicateWindowMinutes: 5,
  honeypot: 'subject_line',
  own: [] as string[],
}
const DEFAULTS = {
  version: 1,
  approvalExpiry: 'P1D',
  monthlyBudget: null,
  budgetAlerts: [80],
  defaultModel: null,
  roleModels: [],
  maxTurns: 12,
  stuckAfter: 'PT10M',
  reviewSubmissionsAfter: 'PT30M',
  formLimits: FORM_LIMITS,
  allowedOrigins: [],
  mailAddress: null,
  replyTo: null,
}
const CHANGED = {
  approvalExpiry: 'PT2H',
  monthlyBudget: '25.5',
  budgetAlerts: [90, 50],
  defaultModel: 'claude-haiku-5-5',
  roleModels: [{ role: 'SDR', model: 'claude-opus-5-5' }],
  maxTurns: 30,
  stuckAfter: 'PT1H',
  reviewSubmissionsAfter: 'P1D',
  formLimits: { perAddressPerHour: 3, perEmailPerHour: 5, honeypot: null },
  allowedOrigins: ['https://www.acme.example', 'http://localhost:8080'],
  mailAddress: 'hello@acme.example',
  replyTo: 'team@acme.example',
}
const set = (as: Tenant, input: Record<string, unknown>): Promise<Answer> =>
  as.mutate('updateWorkspaceSettings', input, `workspace { settings { ${SHOWN} } }`)
const settingsOf = ({ workspace }: Answer) => (workspace as { settings: Record<string, unknown> }).settings
const read = async (as: Tenant) => {
  const { viewer } = await as.query(`{ viewer { workspace { settings { ${SHOWN} } } } }`)
  return (viewer as { workspace: { settings: unknown } }).workspace.settings
}
const versions = async (as: Tenant) => {
  const { viewer } = await as.query(`{ viewer { workspace { settingsVersions { pageInfo { hasNextPage }
    nodes { version changedBy { kind } changes { field from to } } } } } }`)
  return (viewer as { workspace: { settingsVersions: { nodes: { version: number }[] } } }).workspace.settingsVersions
    .nodes
}

describe('settings', () => {
  test('are what holds unless they are set, and each says in the schema what that is and how far it goes', async () => {
    const tenant = await house.workspace('Default')
    expect(await read(tenant)).toEqual(DEFAULTS)
    expect(Object.keys(CHANGED).sort()).toEqual(ALL_SETTINGS.map(([name]) => name).sort())
    const types = ['WorkspaceSettings', 'UpdateWorkspaceSettingsInput'].map((name) => schema.getType(name))
    for (const type of types) {
      if (type === undefined || !('getFields' in type)) throw new Error('no such type')
      for (const [name, { bounds }] of ALL_SETTINGS) {
        expect(type.getFields()[name]?.description).toContain(bounds)
      }
    }
  })

  test('are changed where they are given, and null brings back what holds unless set', async () => {
    const tenant = await house.workspace('Changed')
    const changed = settingsOf(await set(tenant, { ...CHANGED, ifVersion: 1 }))
    expect(changed).toEqual({
      ...CHANGED,
      version: 2,
      budgetAlerts: [50, 90],
      monthlyBudget: { amount: '25.50', currency: 'USD' },
      formLimits: { ...FORM_LIMITS, perAddressPerHour: 3, honeypot: null, own: ['PER_ADDRESS_PER_HOUR', 'HONEYPOT'] },
    })
    expect(settingsOf(await set(tenant, { maxTurns: 5 }))).toEqual({ ...changed, version: 3, maxTurns: 5 })
    const nulls = Object.fromEntries(Object.keys(CHANGED).map((name) => [name, null]))
    expect(settingsOf(await set(tenant, nulls))).toEqual({ ...DEFAULTS, version: 4 })
    expect(settingsOf(await set(tenant, nulls))).toEqual({ ...DEFAULTS, version: 4 })
  })

  test('keep who changed what and from what, version by version', async () => {
    const tenant = await house.workspace('History')
    await set(tenant, { maxTurns: 5, stuckAfter: 'PT60M', budgetAlerts: [] })
    await set(tenant, { monthlyBudget: '3', maxTurns: 5, formLimits: { minimumTimeMs: 0 }, allowedOrigins: ['*'] })
    await expect.poll(() => versions(tenant)).toHaveLength(2)
    expect(await versions(tenant)).toEqual([
      {
        version: 2,
        changedBy: { kind: 'API_KEY' },
        changes: [
          { field: 'budgetAlerts', from: '80 %', to: 'none' },
          { field: 'maxTurns', from: '12', to: '5' },
          { field: 'stuckAfter', from: 'PT10M', to: 'PT1H' },
        ],
      },
      {
        version: 3,
        changedBy: { kind: 'API_KEY' },
        changes: [
          { field: 'monthlyBudget', from: null, to: '$3.00' },
          {
            field: 'formLimits',
            from: 'perAddressPerHour 10, perEmailPerHour 5, minimumTimeMs 1500, duplicateWindowMinutes 5, honeypot subject_line',
            to: 'perAddressPerHour 10, perEmailPerHour 5, minimumTimeMs 0, duplicateWindowMinutes 5, honeypot subject_line',
          },
          { field: 'allowedOrigins', from: 'none', to: '*' },
        ],
      },
    ])
  })

  test('against a stale version are refused with the workspace as it is, and by ten at once one is made', async () => {
    const tenant = await house.workspace('Stale')
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, index) => set(tenant, { maxTurns: 20 + index, ifVersion: 1 })),
    )
    const kinds = made.map(({ __typename: kind }) => kind).sort()
    expect(kinds).toEqual([...Array(9).fill('ConflictError'), 'UpdateWorkspaceSettingsPayload'])
    const before = await tenant.footprint(WHO)
    expect(await set(tenant, { maxTurns: 40, ifVersion: 1 })).toEqual({
      __typename: 'ConflictError',
      reason: 'STALE_VERSION',
      current: { id: encodeId('workspace', tenant.id) },
    })
    expect(await tenant.footprint(WHO)).toBe(before)
    // The version of the settings is their own.
    expect(await tenant.mutate('updateWorkspace', { name: 'Still first', ifVersion: 1 })).toMatchObject({
      __typename: 'UpdateWorkspacePayload',
    })
  })

  test.each([
    ['approvalExpiry', 'PT4M59S', 'TOO_SMALL'],
    ['approvalExpiry', 'P31D', 'TOO_LARGE'],
    ['approvalExpiry', 'P1M', 'INVALID_FORMAT'],
    ['approvalExpiry', '-P1D', 'TOO_SMALL'],
    ['monthlyBudget', '-0.01', 'TOO_SMALL'],
    ['monthlyBudget', '1000000.01', 'TOO_LARGE'],
    ['budgetAlerts', [0], 'TOO_SMALL', '.0'],
    ['budgetAlerts', [101], 'TOO_LARGE', '.0'],
    ['budgetAlerts', [50, 50], 'DUPLICATE'],
    ['budgetAlerts', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 'TOO_LONG'],
    ['defaultModel', 'gpt-1', 'UNKNOWN_REFERENCE'],
    ['roleModels', [{ role: 'SDR', model: 'gpt-1' }], 'UNKNOWN_REFERENCE', '.0.model'],
    [
      'roleModels',
      [
        { role: 'SDR', model: 'claude-haiku-5-5' },
        { role: 'SDR', model: 'claude-opus-5-5' },
      ],
      'DUPLICATE',
    ],
    ['maxTurns', 0, 'TOO_SMALL'],
    ['maxTurns', 101, 'TOO_LARGE'],
    ['stuckAfter', 'PT59S', 'TOO_SMALL'],
    ['stuckAfter', 'P8D', 'TOO_LARGE'],
    ['reviewSubmissionsAfter', 'PT4M', 'TOO_SMALL'],
    ['reviewSubmissionsAfter', 'P8D', 'TOO_LARGE'],
    ['formLimits', { perAddressPerHour: 0 }, 'TOO_SMALL', '.perAddressPerHour'],
    ['formLimits', { perEmailPerHour: 10_001 }, 'TOO_LARGE', '.perEmailPerHour'],
    ['formLimits', { minimumTimeMs: 60_001 }, 'TOO_LARGE', '.minimumTimeMs'],
    ['formLimits', { duplicateWindowMinutes: 1_441 }, 'TOO_LARGE', '.duplicateWindowMinutes'],
    ['formLimits', { honeypot: 'two words' }, 'INVALID_FORMAT', '.honeypot'],
    ['allowedOrigins', ['https://www.acme.example/'], 'INVALID_FORMAT', '.0'],
    ['allowedOrigins', ['*', 'www.acme.example'], 'INVALID_FORMAT', '.1'],
    ['allowedOrigins', ['null'], 'INVALID_FORMAT', '.0'],
    ['allowedOrigins', ['https://*.acme.example/x'], 'INVALID_FORMAT', '.0'],
    ['allowedOrigins', ['*', '*'], 'DUPLICATE'],
    ['allowedOrigins', Array.from({ length: 51 }, (_, index) => `https://${index}.example`), 'TOO_LONG'],
    ['mailAddress', 'nobody', 'INVALID_FORMAT'],
    ['replyTo', 'a@b.example\r\nBcc: eve@evil.example', 'INVALID_FORMAT'],
  ])('beyond their bounds are refused: %s %j is %s', async (name, value, code, at = '') => {
    const tenant = await house.workspace('Bounds')
    const before = await tenant.footprint(WHO)
    expect(await set(tenant, { maxTurns: 7, [name]: value })).toEqual({
      __typename: 'InvalidInputError',
      issues: [{ field: `${name}${at}`, code }],
    })
    expect(await tenant.footprint(WHO)).toBe(before)
  })

  test('are an admin’s to change and a viewer’s to see', async () => {
    const tenant = await house.workspace('Roles')
    const [admin, member, viewer] = [
      await tenant.member('ADMIN'),
      await tenant.member('MEMBER'),
      await tenant.member('VIEWER'),
    ]
    for (const each of [member, viewer]) {
      expect(await set(each, { maxTurns: 3 })).toEqual({ __typename: 'ForbiddenError', needs: 'WORKSPACE_WRITE' })
    }
    expect(settingsOf(await set(admin, { maxTurns: 3 }))).toMatchObject({ maxTurns: 3 })
    expect(await read(viewer)).toMatchObject({ maxTurns: 3 })
    const blind = await tenant.as(['DEALS_READ'])
    expect(await blind.errorCodes('{ viewer { workspace { settings { version } } } }')).toEqual(['FORBIDDEN'])
    expect(await blind.errorCodes('{ viewer { workspace { settingsVersions { nodes { version } } } } }')).toEqual([
      'FORBIDDEN',
    ])
  })

  test('that change are told to who follows them', async () => {
    const tenant = await house.workspace('Follow')
    const items = await tenant.follow('subscription { workspaceSettingsChanged { version event { summary } } }')
    const next = items.next()
    await set(tenant, { maxTurns: 9 })
    expect((await next).value).toEqual({
      workspaceSettingsChanged: { version: 2, event: { summary: 'Test key changed settings: maxTurns from 12 to 9' } },
    })
  })

  test('show what a month has cost and may cost', async () => {
    const tenant = await house.workspace('Month')
    await set(tenant, { monthlyBudget: '0.5' })
    await house.db.inTransaction(tenant.ctx, (tx) =>
      reserve(tx, { runId: newId(), turn: 0, attempt: 1, worstCaseMicros: 200_000n }),
    )
    const { budget } = await tenant.query('{ budget { month { limit { amount } spent { amount } held { amount } } } }')
    expect(budget).toEqual({
      month: { limit: { amount: '0.50' }, spent: { amount: '0.00' }, held: { amount: '0.20' } },
    })
  })
})
