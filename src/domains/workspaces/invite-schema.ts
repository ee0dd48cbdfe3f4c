import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { node } from '../../platform/graphql/node.ts'
import { byIdField, eventNode, nodeField } from '../../platform/graphql/node-field.ts'
import { ShownOnce } from '../../platform/graphql/shown-once.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { Role } from './enums.ts'
import { inviteEvents } from './events.ts'
import { findOpenInvite, inviteMember, type OpenInvite, revokeInvite } from './invites.ts'
import { type InviteStatus, inviteMemberInput, revokeInviteInput, statusOfInvite } from './model.ts'

const Status = describeEnum<InviteStatus>('InviteStatus', 'What has become of an invite.', {
  OPEN: 'It can be accepted.',
  EXPIRED: 'Its seven days are over; inviting the same address again makes it open.',
  ACCEPTED: 'Somebody joined by it.',
  REVOKED: 'It was taken back.',
})

const Invite = builder.prismaNode('Invite', {
  ...node('Invite', { kind: 'invite' }),
  permission: 'WORKSPACE_READ',
  description: 'An invite into the workspace, for one e-mail address. Its token is in the mail and nowhere else.',
  fields: (t) => ({
    email: t.expose('email', { type: 'EmailAddress', nullable: true }),
    role: t.expose('role', { type: Role, description: 'What they become.' }),
    status: t.field({
      type: Status,
      description: 'What has become of it.',
      select: { acceptedAt: true, revokedAt: true, expiresAt: true },
      resolve: (invite, _args, ctx) => statusOfInvite(invite, ctx.clock.now()),
    }),
    invitedBy: t.relation('invitedBy', { nullable: true, description: 'Who invited; null for the server itself.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime' }),
    acceptedAt: t.expose('acceptedAt', { type: 'DateTime', nullable: true }),
    revokedAt: t.expose('revokedAt', { type: 'DateTime', nullable: true }),
    version: t.exposeInt('version'),
    timeline: t.field(timeline('invite', 'What happened to it, oldest first.')),
  }),
})

// ------------------------------------------------------------------ queries

const inviteList = listOf('Invite', {
  table: 'invite',
  model: 'Invite',
  type: Invite,
  filter: by.filterOf('Invite', 'invite', {
    id: by.id('invite', { description: 'By its id.' }),
    createdAt: by.dateTime('createdAt', { description: 'By when it was made.' }),
  }),
  order: { CREATED: { description: 'When it was made.', columns: [{ column: 'createdAt' }] } },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
})

builder.queryField('invites', (t) =>
  t.field(inviteList.all({ description: 'The invites of the workspace, the newest first, also those that are over.' })),
)
builder.queryField('invite', (t) => t.field(byIdField('Invite', 'An invite by its id.')))

const InvitePreview = builder.objectRef<OpenInvite>('InvitePreview').implement({
  description: 'An invite as whoever holds its token may see it.',
  fields: (t) => ({
    workspaceName: t.exposeString('workspaceName', { description: 'Where to.' }),
    email: t.expose('email', { type: 'EmailAddress', description: 'For whom: the account must have this address.' }),
    role: t.expose('role', { type: Role, description: 'What they become.' }),
    invitedBy: t.exposeString('invitedBy', { nullable: true, description: 'Who invited.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'Until when it can be accepted.' }),
  }),
})

builder.queryField('invitePreview', (t) =>
  t.field({
    type: InvitePreview,
    nullable: true,
    description:
      'What the invite of a token is for, before anybody signs in; null for one that is over, and for what is none.',
    extensions: { permission: 'public' },
    args: { token: t.arg.string({ required: true, description: 'The token of the mail’s link.' }) },
    resolve: async (_root, { token }, ctx) => (await findOpenInvite(ctx, token)) ?? null,
  }),
)

// ------------------------------------------------------------------ mutations

const payload = nodeField('Invite', 'The invite as it is now.', ({ inviteId }: { inviteId: string }) => inviteId)

mutation('inviteMember', {
  description:
    'Invites a person by mail; they have seven days. Inviting the same address again makes the link before worthless. Who is ' +
    'a member already but never signed in is invited to do so, and stays what they are. 50 invites may be open at a time. At ' +
    'most three invite mails go to one address in a day, and 200 from a workspace; hand over the link yourself otherwise.',
  permission: 'MEMBERS_WRITE',
  input: (t) => ({
    email: t.field({ type: 'EmailAddress', required: true, description: 'Where the mail goes.' }),
    role: t.field({
      type: Role,
      required: true,
      defaultValue: 'MEMBER',
      description: 'What they become. To invite an owner needs OWNERS_WRITE.',
    }),
  }),
  parse: inviteMemberInput,
  verb: async (tx, input) => {
    const { id, token } = await inviteMember(tx, input)
    return new ShownOnce({ inviteId: id }, token)
  },
  secret: 'The token that is in the mail, for where no mail is sent.',
  payload: (t) => ({ invite: t.field(payload) }),
  errors: ['LIMIT_EXCEEDED'],
})

mutation('revokeInvite', {
  description: 'Takes an invite back: nobody joins by it.',
  permission: 'MEMBERS_WRITE',
  input: (t) => ({ id: t.id({ required: true, description: 'The invite.' }) }),
  parse: revokeInviteInput,
  verb: async (tx, input) => ({ inviteId: (await revokeInvite(tx, input)).id }),
  payload: (t) => ({ invite: t.field(payload) }),
  errors: ['NOT_FOUND'],
})

// ------------------------------------------------------------------ events

const details = eventDetails(inviteEvents, {
  created: (t) => ({ invite: t.field(eventNode('Invite', 'The invite.')) }),
  revoked: (t) => ({ invite: t.field(eventNode('Invite', 'The invite.')) }),
})

topic('inviteCreated', details.created, { description: 'People who are invited.' })
