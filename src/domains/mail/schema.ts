import { builder } from '../../platform/graphql/builder.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { eventNode, nodeField } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { mailServerEvents } from './events.ts'
import { connectMailServerInput, disconnectMailServerInput, type MailSecurity } from './server-model.ts'
import { claimOf, connectMailServer, disconnectMailServer, verifyMailServer } from './servers.ts'

const Security = describeEnum<MailSecurity>('MailSecurity', 'How a connection to a mail server is encrypted.', {
  TLS: 'From its first byte; usually port 465.',
  STARTTLS: 'Before anybody signs in, or not at all; usually port 587.',
  NONE: 'Not at all. A password goes over it within a private network only.',
})

builder.prismaObject('MailServer', {
  permission: 'WORKSPACE_READ',
  description: 'The mail server of the workspace’s own. Its password is shown nowhere.',
  fields: (t) => ({
    host: t.exposeString('host'),
    port: t.exposeInt('port'),
    security: t.expose('security', { type: Security, description: 'How the connection is encrypted.' }),
    username: t.exposeString('username', { nullable: true }),
    from: t.expose('fromAddress', { type: 'EmailAddress', nullable: true }),
    connectedAt: t.expose('connectedAt', { type: 'DateTime' }),
    lastUsedAt: t.expose('lastUsedAt', { type: 'DateTime', nullable: true }),
    lastError: t.exposeString('lastError', { nullable: true }),
  }),
})

builder.prismaObjectField('Workspace', 'mailServer', (t) =>
  t.relation('mailServer', {
    nullable: true,
    description: 'The mail server that its employees’ mail leaves through; null is the server’s own way.',
  }),
)

// ------------------------------------------------------------------ mutations

const workspace = nodeField(
  'Workspace',
  'The workspace as it is now.',
  ({ workspaceId }: { workspaceId: string }) => workspaceId,
)

mutation('connectMailServer', {
  description:
    'Has mail of employees leave through a mail server of the workspace’s own, instead of through the one before. It is signed ' +
    'in there first, for a minute at most: what does not work is refused, naming what it is. A dry run asks nobody there, and ' +
    'says so as the effect `SIGN_IN`. The password is sealed and shown nowhere.',
  permission: 'WORKSPACE_WRITE',
  input: (t) => ({
    host: t.string({ required: true, description: 'Its name, as `smtp.example.com`.' }),
    port: t.int({ required: true, description: 'Its port.' }),
    security: t.field({ type: Security, description: 'How the connection is encrypted; TLS unless told.' }),
    username: t.string({ description: 'Who signs in there; nobody unless told.' }),
    password: t.string({ description: 'Their password. Goes with `username`.' }),
    from: t.field({
      type: 'EmailAddress',
      description: 'The sender of mail from an employee who has no address, where the setting `mailAddress` says none.',
    }),
  }),
  parse: connectMailServerInput,
  before: (_ctx, input) => verifyMailServer(input),
  claimed: claimOf,
  verb: async (tx, input) => {
    await connectMailServer(tx, input)
    return { workspaceId: tx.workspaceId }
  },
  payload: (t) => ({ workspace: t.field(workspace) }),
})

mutation('disconnectMailServer', {
  description:
    'Has mail leave through the server’s own way again, and removes the password for good. Without a mail server it changes ' +
    'nothing.',
  permission: 'WORKSPACE_WRITE',
  input: (t) => ({ ifHost: t.string({ description: 'Refuse when another host than this is connected.' }) }),
  parse: disconnectMailServerInput,
  verb: async (tx, input) => {
    await disconnectMailServer(tx, input)
    return { workspaceId: tx.workspaceId }
  },
  payload: (t) => ({ workspace: t.field(workspace) }),
})

// ------------------------------------------------------------------ events

const details = eventDetails(mailServerEvents, {
  connected: (t) => ({ workspace: t.field(eventNode('Workspace', 'The workspace.')) }),
  disconnected: (t) => ({ workspace: t.field(eventNode('Workspace', 'The workspace.')) }),
})

topic('mailServerConnected', details.connected, { description: 'Mail servers that are connected.' })
topic('mailServerDisconnected', details.disconnected, { description: 'Mail servers that are disconnected.' })
