import { isEnumType } from 'graphql'
import { expect, test } from 'vitest'
import { MEMBER_ROLES, ROLE_PERMISSIONS } from '../../src/platform/auth/roles.ts'
import { PERMISSIONS, type Permission } from '../../src/platform/auth/viewer.ts'
import { createLinks } from '../../src/platform/reference/links.ts'
import { permissionMatrix, permissionsBody } from '../../src/platform/reference/permissions.ts'
import { entriesOf } from '../../src/platform/reference/places.ts'
import { schema } from '../../src/schema.ts'

const matrix = permissionMatrix(schema)
const rowOf = (name: string, chapter = 'queries') => matrix.find((row) => row.name === name && row.chapter === chapter)

test('every operation of the schema says what it needs, once', () => {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  const fields = roots.flatMap((root) => Object.keys(root?.getFields() ?? {}))
  expect(matrix.map(({ name }) => name).sort()).toEqual(fields.sort())
  expect(matrix.filter(({ needs }) => needs.length === 0)).toEqual([])
})

test('what needs no permission is known by name: nothing becomes so by being forgotten', () => {
  const open = matrix.filter(({ needs }) => typeof needs === 'string').map(({ name, needs }) => `${name}: ${needs}`)
  expect(open.sort()).toEqual([
    'acceptInvite: to have signed in',
    'changePassword: to have signed in',
    'confirmEmailChange: nothing',
    'createWorkspace: to have signed in',
    'cursor: a credential',
    'disconnectIdentity: to have signed in',
    'eraseAccount: to have signed in',
    'invitePreview: nothing',
    'leaveWorkspace: to have signed in',
    'logIn: nothing',
    'logOut: to have signed in',
    'node: what the thing needs',
    'nodes: what each thing needs',
    'refreshSession: nothing',
    'requestEmailChange: to have signed in',
    'requestPasswordReset: nothing',
    'resetPassword: nothing',
    'revokeSession: to have signed in',
    'revokeSessions: to have signed in',
    'signUp: nothing',
    'submitForm: nothing',
    'switchWorkspace: to have signed in',
    'updateAccount: to have signed in',
    'viewer: a credential',
  ])
})

test('a role holds what an operation needs if and only if the matrix says so', () => {
  for (const { name, needs, roles } of matrix) {
    if (typeof needs === 'string') continue
    const holding = MEMBER_ROLES.filter((role) => needs.every((permission) => ROLE_PERMISSIONS[role].has(permission)))
    expect([name, ...roles]).toEqual([name, ...holding])
  }
  expect(rowOf('deals')).toMatchObject({ needs: ['DEALS_READ'], roles: new Set(MEMBER_ROLES) })
  expect(rowOf('updateMember', 'mutations')?.roles).toEqual(new Set(['OWNER', 'ADMIN']))
  expect(rowOf('createDeal', 'mutations')?.roles).toEqual(new Set(['OWNER', 'ADMIN', 'MEMBER']))
})

test('a viewer’s role holds no mutation at all, but for what anybody may', () => {
  const held = matrix.filter(({ chapter, roles }) => chapter === 'mutations' && roles.has('VIEWER'))
  const aboutOthers = held.filter(({ needs }) => needs !== 'to have signed in').map(({ name }) => name)
  const toSignIn = ['confirmEmailChange', 'logIn', 'refreshSession', 'requestPasswordReset', 'resetPassword', 'signUp']
  expect(aboutOthers).toEqual([...toSignIn, 'submitForm'])
})

test('every permission is held by somebody, has a meaning, and is a value of the API’s enum', () => {
  const type = schema.getType('Permission')
  const values = isEnumType(type) ? type.getValues() : []
  expect(values.map(({ name }) => name)).toEqual([...PERMISSIONS].sort())
  for (const { name, description } of values) {
    expect([name, description]).toEqual([name, expect.stringMatching(/^[A-Z].+\.$/)])
    expect(ROLE_PERMISSIONS.OWNER.has(name as Permission)).toBe(true)
  }
})

test('the page has a row for every permission and every operation, and a mark for every role', () => {
  const { text } = permissionsBody(schema, createLinks(entriesOf(schema)))
  for (const permission of PERMISSIONS) expect(text).toContain(`<tr id="${permission}">`)
  for (const { chapter, name } of matrix) expect(text).toContain(`href="/docs/${chapter}/${name}"`)
  const rows = PERMISSIONS.length + matrix.length
  expect(text.match(/class="unseen"/g)).toHaveLength(rows * MEMBER_ROLES.length)
})
