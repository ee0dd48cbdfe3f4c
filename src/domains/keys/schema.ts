import { type SqlBool, sql } from 'kysely'
import { KEY_ENVIRONMENTS, type KeyEnvironment } from '../../platform/auth/api-key.ts'
import { permissionsOfKey } from '../../platform/auth/roles.ts'
import { PERMISSIONS } from '../../platform/auth/viewer.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { PermissionEnum } from '../../platform/graphql/errors.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import * as comparators from '../../platform/graphql/filter-comparators.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { node } from '../../platform/graphql/node.ts'
import { byIdField, eventNode, nodeField } from '../../platform/graphql/node-field.ts'
import { ShownOnce } from '../../platform/graphql/shown-once.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { keyEvents } from './events.ts'
import {
  createApiKeyInput,
  type KeyStatus,
  revokeApiKeyInput,
  rotateApiKeyInput,
  statusOfKey,
  updateApiKeyInput,
} from './model.ts'
import { createApiKey, type KeyWithSecret, revokeApiKey, rotateApiKey, updateApiKey } from './service.ts'

const Status = describeEnum<KeyStatus>('ApiKeyStatus', 'Whether a key works.', {
  ACTIVE: 'It works, unless its member is suspended: see `Member.suspendedAt`.',
  EXPIRED: 'Its time is over; a later `ApiKey.expiresAt` makes it work again.',
  REVOKED: 'It was taken away, for good.',
})

const Environment = describeEnum<KeyEnvironment>(
  'ApiKeyEnvironment',
  'What a key is for. It stands in the key itself.',
  {
    LIVE: 'Real work: `cadre_live_…`.',
    TEST: 'Trying things out: `cadre_test_…`. It may no less.',
  },
)

const ApiKey = builder.prismaNode('ApiKey', {
  ...node('ApiKey', { kind: 'api_key', name: 'name' }),
  permission: 'KEYS_READ',
  description:
    'A key with which a program speaks for a member. The key itself is shown once, when it is made or rotated.',
  fields: (t) => ({
    name: t.exposeString('name'),
    prefix: t.exposeString('prefix'),
    environment: t.field({
      type: Environment,
      description: 'What it is for.',
      select: { environment: true },
      resolve: ({ environment }) => KEY_ENVIRONMENTS.find((known) => known === environment) ?? 'TEST',
    }),
    status: t.field({
      type: Status,
      description: 'Whether it works.',
      select: { revokedAt: true, expiresAt: true },
      resolve: (key, _args, ctx) => statusOfKey(key, ctx.clock.now()),
    }),
    permissions: t.field({
      type: [PermissionEnum],
      description: 'What stands on it.',
      select: { permissions: true },
      resolve: (key) => PERMISSIONS.filter((permission) => key.permissions.includes(permission)),
    }),
    effectivePermissions: t.field({
      type: [PermissionEnum],
      description:
        'What it may do while it works: what stands on it and its member’s role holds now, both; nothing while they are suspended.',
      select: { permissions: true, member: { select: { role: true, suspendedAt: true } } },
      resolve: ({ permissions, member: { role, suspendedAt } }) =>
        suspendedAt === null ? [...permissionsOfKey(permissions, role)] : [],
    }),
    // Nullable, so that who may not see members is shown the secret of a new key all the same.
    member: t.relation('member', { nullable: true, description: 'For whom it speaks.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', nullable: true }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true }),
    previousSecretExpiresAt: t.expose('previousExpiresAt', { type: 'DateTime', nullable: true }),
    version: t.exposeInt('version'),
    timeline: t.field(timeline('api_key', 'What happened to it, oldest first.')),
  }),
})

// ------------------------------------------------------------------ queries

const status: by.FilterField<'revokedAt' | 'expiresAt'> = {
  columns: ['revokedAt', 'expiresAt'],
  description: 'By whether it works.',
  type: () =>
    comparators.inputOnce('ApiKeyStatusComparator', 'Compares values of ApiKeyStatus.', (t) => ({
      eq: t.field({ type: Status, description: 'Exactly this.' }),
      in: t.field({ type: [Status], description: 'One of these.' }),
      not: t.field({ type: Status, description: 'Anything but this.' }),
    })),
  compile: (given, scope) => {
    const revoked = scope.column('revokedAt')
    const expires = scope.column('expiresAt')
    const conditions: Record<KeyStatus, comparators.Condition> = {
      ACTIVE: sql<SqlBool>`(${revoked} is null and (${expires} is null or ${expires} > ${scope.now}))`,
      EXPIRED: sql<SqlBool>`(${revoked} is null and ${expires} <= ${scope.now})`,
      REVOKED: comparators.isNull(revoked, false),
    }
    return Object.entries(given).flatMap(([operator, value]) => {
      if (value === undefined) return []
      if (value === null) comparators.refuse(scope, 'NOT_ALLOWED', 'A key always has a status.', operator)
      const wanted = (Array.isArray(value) ? value : [value]) as readonly KeyStatus[]
      comparators.spend(scope, wanted.length, operator)
      const among = comparators.anyOf(wanted.map((each) => conditions[each]))
      return [operator === 'not' ? comparators.notThat(among) : among]
    })
  },
}

const keyFilter = by.filterOf('ApiKey', 'apiKey', {
  id: by.id('api_key', { description: 'By its id.' }),
  status,
  environment: by.oneOf('environment', Environment, { description: 'By what it is for.' }),
  member: by.id('member', { column: 'memberId', description: 'By for whom it speaks.' }),
  createdAt: by.dateTime('createdAt', { description: 'By when it was made.' }),
  expiresAt: by.dateTime('expiresAt', { description: 'By when it stops working.' }),
})

const keyList = listOf('ApiKey', {
  table: 'apiKey',
  model: 'ApiKey',
  type: ApiKey,
  filter: keyFilter,
  order: { CREATED: { description: 'When it was made.', columns: [{ column: 'createdAt' }] } },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
})

builder.queryField('apiKeys', (t) =>
  t.field(keyList.all({ description: 'The keys of the workspace, the newest first; never a key itself.' })),
)
builder.queryField('apiKey', (t) => t.field(byIdField('ApiKey', 'A key by its id; never the key itself.')))
builder.prismaObjectField('Member', 'apiKeys', (t) =>
  t.field(keyList.of('memberId', { description: 'The keys that speak for them, the newest first.' })),
)

// ------------------------------------------------------------------ mutations

const payload = nodeField('ApiKey', 'The key as it is now.', ({ keyId }: { keyId: string }) => keyId)
const outcome = ({ id }: { readonly id: string }) => ({ keyId: id })
const once = (made: KeyWithSecret) => new ShownOnce(outcome(made), made.secret)

const SECRET = 'The key itself, to be sent as `Authorization: Bearer …`; nobody can tell it again.'

mutation('createApiKey', {
  description: 'Makes a key that speaks for you, with no more than you hold and no longer than your own.',
  permission: 'KEYS_WRITE',
  input: (t) => ({
    name: t.string({ required: true, description: 'What it is for, in your words.' }),
    permissions: t.field({
      type: [PermissionEnum],
      required: true,
      description: 'What it may do, at least one thing: of what `Viewer.permissions` lists.',
    }),
    environment: t.field({ type: Environment, required: true, defaultValue: 'TEST', description: 'What it is for.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it stops working; never, if null.' }),
  }),
  parse: createApiKeyInput,
  verb: async (tx, input) => once(await createApiKey(tx, input)),
  secret: SECRET,
  payload: (t) => ({ apiKey: t.field(payload) }),
})

mutation('updateApiKey', {
  description:
    'Changes a key’s name or the end of its time: your own, with MEMBERS_WRITE anybody’s. What is left out stays as it is, ' +
    'null clears.',
  permission: 'KEYS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The key.' }),
    ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
    name: t.string({ description: 'What it is for. Cannot be cleared.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it stops working; never, if null.' }),
  }),
  parse: updateApiKeyInput,
  verb: async (tx, input) => outcome(await updateApiKey(tx, input)),
  payload: (t) => ({ apiKey: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

mutation('rotateApiKey', {
  description:
    'Gives a key a new secret; the one before works on for a while, but changes no keys, members or settings. You need what ' +
    'stands on the key, and for somebody else’s MEMBERS_WRITE; for an owner’s OWNERS_WRITE, too.',
  permission: 'KEYS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The key.' }),
    overlap: t.field({
      type: 'Duration',
      description:
        'How long the secret before works on: a day unless told, seven at most (`P7D`), `PT0S` is not at all, within two seconds.',
    }),
  }),
  parse: rotateApiKeyInput,
  verb: async (tx, input) => once(await rotateApiKey(tx, input)),
  secret: SECRET,
  payload: (t) => ({ apiKey: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

mutation('revokeApiKey', {
  description:
    'Takes a key away, for good: your own, with MEMBERS_WRITE anybody’s. Requests and streams with it end within two ' +
    'seconds.',
  permission: 'KEYS_WRITE',
  input: (t) => ({ id: t.id({ required: true, description: 'The key.' }) }),
  parse: revokeApiKeyInput,
  verb: async (tx, input) => outcome(await revokeApiKey(tx, input)),
  payload: (t) => ({ apiKey: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

// ------------------------------------------------------------------ events

const details = eventDetails(keyEvents, {
  created: (t) => ({ apiKey: t.field(eventNode('ApiKey', 'The new key.')) }),
  updated: (t) => ({ apiKey: t.field(eventNode('ApiKey', 'The key.')) }),
  rotated: (t) => ({ apiKey: t.field(eventNode('ApiKey', 'The key.')) }),
  revoked: (t) => ({ apiKey: t.field(eventNode('ApiKey', 'The key.')) }),
})

topic('apiKeyCreated', details.created, { description: 'Keys that are made.' })
topic('apiKeyRevoked', details.revoked, { description: 'Keys that are taken away.' })
