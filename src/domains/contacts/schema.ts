import { Actor, ownerOf } from '../../platform/graphql/actor.ts'
import { builder } from '../../platform/graphql/builder.ts'
import { listOf } from '../../platform/graphql/connection.ts'
import { describeEnum } from '../../platform/graphql/enum.ts'
import { eventDetails } from '../../platform/graphql/event.ts'
import { timeline } from '../../platform/graphql/event-list.ts'
import * as by from '../../platform/graphql/filter.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { loadBy, loadByPublicId, node } from '../../platform/graphql/node.ts'
import { eventNode, nodeField, optionalEventNode } from '../../platform/graphql/node-field.ts'
import { topic } from '../../platform/graphql/subscription.ts'
import { contactEvents } from './events.ts'
import { type ContactLifecycle, createContactInput, normaliseEmail, updateContactInput } from './model.ts'
import { createContact, updateContact } from './service.ts'

const Lifecycle = describeEnum<ContactLifecycle>('ContactLifecycle', 'How far a person has come with us.', {
  LEAD: 'Has come in; nobody has judged yet.',
  QUALIFIED: 'Is worth working on.',
  CUSTOMER: 'Buys from us.',
  FORMER: 'Was a customer.',
})

const Contact = builder.prismaNode('Contact', {
  ...node('Contact', { kind: 'contact', name: 'name' }),
  permission: 'CONTACTS_READ',
  description: 'A person outside the house who came to us or whom we know.',
  fields: (t) => ({
    name: t.exposeString('name', { nullable: true }),
    email: t.expose('email', { type: 'EmailAddress', nullable: true }),
    phone: t.exposeString('phone', { nullable: true }),
    companyName: t.exposeString('companyName', { nullable: true }),
    lifecycle: t.expose('lifecycle', { type: Lifecycle, description: 'How far they have come with us.' }),
    externalReference: t.exposeString('externalReference', { nullable: true }),
    owner: t.field({
      type: Actor,
      nullable: true,
      description: 'Who looks after them.',
      select: { ownerEmployeeId: true, ownerMemberId: true },
      resolve: ownerOf,
    }),
    version: t.exposeInt('version'),
    erasedAt: t.expose('erasedAt', { type: 'DateTime', nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they became known.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When anything about them changed last.' }),
    timeline: t.field(timeline('contact', 'What happened to them, oldest first.')),
  }),
})

// ------------------------------------------------------------------ queries

const emailText = by.text(
  { column: 'emailNormalised', folded: 'emailNormalised', search: 'contact_ids' },
  { description: 'By the e-mail address, however it is spelled.' },
)
const emailExact = by.exactText('emailNormalised', {
  description: 'By the e-mail address.',
  normalise: (text) => normaliseEmail(text) ?? text.toLowerCase(),
})

const contactFilter = by.filterOf('Contact', 'contact', {
  id: by.id('contact', { description: 'By the id.' }),
  name: by.text({ column: 'name', folded: 'nameFolded', search: 'contact_ids' }, { description: 'By the name.' }),
  email: {
    ...emailText,
    compile: ({ contains, startsWith, endsWith, ...whole }, scope) => [
      ...emailExact.compile(whole, scope),
      ...emailText.compile({ contains, startsWith, endsWith }, scope),
    ],
  },
  lifecycle: by.oneOf('lifecycle', Lifecycle, { description: 'By how far they have come.' }),
  owner: by.owner(
    { employee: 'ownerEmployeeId', member: 'ownerMemberId' },
    { description: 'By who looks after them.' },
  ),
  createdAt: by.dateTime('createdAt', { description: 'By when they became known.' }),
})

const contactList = listOf('Contact', {
  table: 'contact',
  model: 'Contact',
  type: Contact,
  filter: contactFilter,
  order: {
    NAME: {
      description: 'The name; those without one come last.',
      columns: [{ column: 'nameFolded', nullable: true }],
    },
    CREATED: { description: 'When they became known.', columns: [{ column: 'createdAt' }] },
  },
  defaultOrder: [{ column: 'createdAt', direction: 'DESC' }],
})

builder.queryField('contacts', (t) => t.field(contactList.all({ description: 'Contacts, the newest first.' })))

const ContactBy = builder.inputType('ContactBy', {
  isOneOf: true,
  description: 'What names one contact: exactly one of these.',
  fields: (t) => ({
    id: t.id({ description: 'The id.' }),
    email: t.field({ type: 'EmailAddress', description: 'The e-mail address, however it is spelled.' }),
    externalReference: t.string({ description: 'Your own key for this person.' }),
  }),
})

builder.queryField('contact', (t) =>
  t.field({
    type: Contact,
    nullable: true,
    description: 'One contact; null when there is none.',
    args: { by: t.arg({ type: ContactBy, required: true, description: 'Which one.' }) },
    resolve: (_root, { by: { id, email, externalReference } }, ctx, info) => {
      const { workspaceId } = ctx
      if (id != null) return loadByPublicId('Contact', id, ctx, info)
      if (externalReference != null) {
        return loadBy('Contact', { workspaceId_externalReference: { workspaceId, externalReference } }, ctx, info)
      }
      const emailNormalised = normaliseEmail(email ?? '')
      if (emailNormalised === undefined) return null
      return loadBy('Contact', { workspaceId_emailNormalised: { workspaceId, emailNormalised } }, ctx, info)
    },
  }),
)

// ------------------------------------------------------------------ mutations

const contactField = nodeField(
  'Contact',
  'The contact as it is now.',
  ({ contactId }: { contactId: string }) => contactId,
)

mutation('createContact', {
  description: 'Adds a contact.',
  permission: 'CONTACTS_WRITE',
  input: (t) => ({
    id: t.id({ description: 'Made by you, if you like: sending twice makes one.' }),
    name: t.string({ description: 'The person’s name.' }),
    email: t.field({ type: 'EmailAddress', description: 'Where mail reaches the person; no two contacts share one.' }),
    phone: t.string({ description: 'With the country code, as in +49 30 123456.' }),
    companyName: t.string({ description: 'Where the person works.' }),
    lifecycle: t.field({ type: Lifecycle, description: 'How far they have come; LEAD unless told.' }),
    externalReference: t.string({ description: 'Your own key for this person; no two contacts share one.' }),
    owner: t.id({ description: 'The employee or member who looks after them.' }),
  }),
  parse: createContactInput,
  verb: async (tx, input) => ({ contactId: (await createContact(tx, input)).id }),
  payload: (t) => ({ contact: t.field(contactField) }),
  errors: ['NOT_FOUND'],
})

mutation('updateContact', {
  description: 'Changes a contact. What is left out stays as it is, null clears.',
  permission: 'CONTACTS_WRITE',
  input: (t) => ({
    id: t.id({ required: true, description: 'The contact.' }),
    ifVersion: t.int({ description: 'Refuse when it is not at this version.' }),
    name: t.string({ description: 'The person’s name.' }),
    email: t.field({ type: 'EmailAddress', description: 'Where mail reaches the person; no two contacts share one.' }),
    phone: t.string({ description: 'With the country code, as in +49 30 123456.' }),
    companyName: t.string({ description: 'Where the person works.' }),
    lifecycle: t.field({ type: Lifecycle, description: 'How far they have come. Cannot be cleared.' }),
    externalReference: t.string({ description: 'Your own key for this person; no two contacts share one.' }),
    owner: t.id({ description: 'The employee or member who looks after them.' }),
  }),
  parse: updateContactInput,
  verb: async (tx, input) => ({ contactId: (await updateContact(tx, input)).id }),
  payload: (t) => ({ contact: t.field(contactField) }),
  errors: ['NOT_FOUND'],
})

// ------------------------------------------------------------------ events

const details = eventDetails(contactEvents, {
  created: (t) => ({ contact: t.field(eventNode('Contact', 'The new contact.')) }),
  updated: (t) => ({ contact: t.field(eventNode('Contact', 'The contact.')) }),
  erasureRequested: (t) => ({
    contact: t.field(eventNode('Contact', 'What is left of the contact.')),
    erasure: t.field(optionalEventNode('Erasure', 'The erasure.', (event) => event.data.erasureId)),
  }),
  erased: (t) => ({
    contact: t.field(eventNode('Contact', 'What is left of the contact.')),
    erasure: t.field(
      optionalEventNode('Erasure', 'The erasure, with its certificate.', (event) => event.data.erasureId),
    ),
    digest: t.string({
      description: 'The certificate’s digest, as the log vouches for it.',
      resolve: ({ event }) => String(event.data.digest),
    }),
  }),
})

topic('contactErased', details.erased, { description: 'People whose erasure is finished.' })
topic('contactCreated', details.created, { description: 'People who become known.' })
