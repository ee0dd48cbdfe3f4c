import { expect, test } from 'vitest'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()

const create = async (input: Record<string, unknown>, tenant = acme) => {
  const made = await tenant.mutate('createContact', input, 'contact { id version }')
  return made.contact as { id: string; version: number }
}

test('a contact is created with all that was given and found by id, e-mail and external reference', async () => {
  const made = await acme.mutate(
    'createContact',
    {
      name: 'Kim Lee',
      email: 'Kim@Kite.example',
      phone: '+43 (0) 660 12345',
      companyName: 'Kite & Co',
      lifecycle: 'QUALIFIED',
      externalReference: 'crm-1',
      owner: encodeId('member', acme.memberId),
    },
    'contact { id name email phone companyName lifecycle externalReference version owner { kind name nodeId } }',
  )
  expect(made).toMatchObject({
    __typename: 'CreateContactPayload',
    contact: {
      name: 'Kim Lee',
      email: 'Kim@Kite.example',
      phone: '+4366012345',
      companyName: 'Kite & Co',
      lifecycle: 'QUALIFIED',
      externalReference: 'crm-1',
      version: 1,
      owner: { kind: 'MEMBER', name: 'Ada', nodeId: encodeId('member', acme.memberId) },
    },
  })
  const { id } = made.contact as { id: string }
  const found = await acme.query(
    `query($id: ID!) {
      byId: contact(by: { id: $id }) { id }
      byEmail: contact(by: { email: "kim@kite.EXAMPLE" }) { id }
      byReference: contact(by: { externalReference: "crm-1" }) { id }
      nobody: contact(by: { email: "nobody@kite.example" }) { id }
      wrongKind: contact(by: { id: "deal_0192f3a4-7c3e-7000-8000-000000000001" }) { id }
      node(id: $id) { __typename }
    }`,
    { id },
  )
  expect(found).toEqual({
    byId: { id },
    byEmail: { id },
    byReference: { id },
    nobody: null,
    wrongKind: null,
    node: { __typename: 'Contact' },
  })
})

test('a client-made id that is taken, and an e-mail or reference that another contact has, are conflicts', async () => {
  const { id } = await create({ email: 'taken@example.com', externalReference: 'taken' })
  const duplicate = { __typename: 'ConflictError', reason: 'DUPLICATE', current: { id } }
  expect(await acme.mutate('createContact', { email: 'TAKEN@example.com' })).toEqual(duplicate)
  expect(await acme.mutate('createContact', { externalReference: 'taken' })).toEqual(duplicate)
  expect(await acme.mutate('createContact', { id })).toMatchObject({ __typename: 'ConflictError', reason: 'DUPLICATE' })
  const other = await create({ name: 'Other' })
  expect(await acme.mutate('updateContact', { id: other.id, email: 'taken@example.com' })).toEqual(duplicate)
})

test('in an update what is left out stays, null clears, and what changed is told', async () => {
  const { id } = await create({ name: 'Grace', email: 'grace@example.com', companyName: 'Navy' })
  const updated = await acme.mutate(
    'updateContact',
    { id, ifVersion: 1, companyName: null, phone: '+1 415 555 2671' },
    'contact { name email phone companyName version }',
  )
  expect(updated.contact).toMatchObject({
    name: 'Grace',
    email: 'grace@example.com',
    phone: '+14155552671',
    companyName: null,
    version: 2,
  })
  const [, event] = await timelineOf(id)
  expect(event).toEqual({
    type: 'CONTACT_UPDATED',
    summary: 'Test key changed Grace: phone, companyName',
    changes: [
      { field: 'phone', from: null, to: '+14155552671' },
      { field: 'companyName', from: 'Navy', to: null },
    ],
  })
})

async function timelineOf(id: string) {
  const { contact } = await acme.query(
    'query($id: ID!) { contact(by: { id: $id }) { timeline { nodes { type summary changes { field from to } } } } }',
    { id },
  )
  return (contact as { timeline: { nodes: unknown[] } }).timeline.nodes
}

test('an update that changes nothing makes no version and no event', async () => {
  const { id } = await create({ name: 'Still' })
  const before = await acme.footprint()
  const same = await acme.mutate('updateContact', { id, name: 'Still', phone: null }, 'contact { version }')
  expect(same.contact).toEqual({ version: 1 })
  expect(await acme.footprint()).toBe(before)
})

test('a stale version is a conflict with the contact as it is', async () => {
  const { id } = await create({ name: 'Busy' })
  await acme.mutate('updateContact', { id, name: 'Busier' })
  expect(await acme.mutate('updateContact', { id, ifVersion: 1, name: 'Busiest' })).toEqual({
    __typename: 'ConflictError',
    reason: 'STALE_VERSION',
    current: { id },
  })
})

test('a wrong field is named, an unknown owner is not found, and nothing is written', async () => {
  const { id } = await create({ name: 'Whole' })
  const before = await acme.footprint()
  expect(await acme.mutate('createContact', { email: 'kim', phone: '12', name: 'K' })).toEqual({
    __typename: 'InvalidInputError',
    issues: [
      { field: 'name', code: 'TOO_SHORT' },
      { field: 'email', code: 'INVALID_FORMAT' },
      { field: 'phone', code: 'INVALID_FORMAT' },
    ],
  })
  expect(await acme.mutate('updateContact', { id, lifecycle: null })).toMatchObject({
    issues: [{ field: 'lifecycle' }],
  })
  const nobody = encodeId('employee', newId())
  expect(await acme.mutate('updateContact', { id, owner: nobody })).toEqual({ __typename: 'NotFoundError', id: nobody })
  expect(await acme.footprint()).toBe(before)
})

test('a key without the permission is refused, and reads nothing', async () => {
  const { id } = await create({ name: 'Guarded' })
  const before = await acme.footprint()
  const reader = await acme.as(['CONTACTS_READ'])
  expect(await reader.mutate('createContact', { name: 'Eve' })).toEqual({
    __typename: 'ForbiddenError',
    needs: 'CONTACTS_WRITE',
  })
  expect(await reader.mutate('updateContact', { id, name: 'Eve' })).toEqual({
    __typename: 'ForbiddenError',
    needs: 'CONTACTS_WRITE',
  })
  expect(await acme.footprint()).toBe(before)
  expect(await (await acme.as(['DEALS_READ'])).errorCodes('{ contacts { nodes { id } } }')).toEqual(['FORBIDDEN'])
})

test('another workspace’s contact is not found and not changed', async () => {
  const other = await house.workspace('Other')
  const { id } = await create({ name: 'Theirs', email: 'theirs@example.com', externalReference: 'theirs' }, other)
  const before = await other.footprint()
  expect(await acme.mutate('updateContact', { id, name: 'Mine' })).toEqual({ __typename: 'NotFoundError', id })
  expect(await other.footprint()).toBe(before)
  expect(
    await acme.query(
      `query($id: ID!) {
        byId: contact(by: { id: $id }) { id }
        byEmail: contact(by: { email: "theirs@example.com" }) { id }
        byReference: contact(by: { externalReference: "theirs" }) { id }
        node(id: $id) { id }
        contacts(filter: { id: { eq: $id } }) { nodes { id } }
      }`,
      { id },
    ),
  ).toEqual({ byId: null, byEmail: null, byReference: null, node: null, contacts: { nodes: [] } })
})

test('contacts are found by part of name and address, lifecycle and owner, in the order asked for', async () => {
  const tenant = await house.workspace('Lists')
  const owner = encodeId('member', tenant.memberId)
  await create({ name: 'Åsa Öberg', email: 'Asa@North.example', lifecycle: 'CUSTOMER', owner }, tenant)
  await create({ name: 'Bo', email: 'bo@north.example' }, tenant)
  await create({ email: 'c@south.example' }, tenant)
  const names = async (filter: string) => {
    const { contacts } = await tenant.query(
      `{ contacts(filter: { ${filter} }, orderBy: [{ field: NAME }]) { nodes { email } totalCount } }`,
    )
    return (contacts as { nodes: { email: string }[] }).nodes.map(({ email }) => email)
  }
  expect(await names('name: { contains: "OBERG" }')).toEqual(['Asa@North.example'])
  expect(await names('email: { endsWith: "north.EXAMPLE" }')).toEqual(['Asa@North.example', 'bo@north.example'])
  expect(await names('email: { eq: "asa@north.example" }')).toEqual(['Asa@North.example'])
  expect(await names('email: { in: ["BO@north.example", "c@south.example"] }')).toEqual([
    'bo@north.example',
    'c@south.example',
  ])
  expect(await names('lifecycle: { eq: CUSTOMER }')).toEqual(['Asa@North.example'])
  expect(await names(`owner: { id: { eq: "${owner}" } }`)).toEqual(['Asa@North.example'])
  expect(await names('owner: { isNull: true }')).toEqual(['bo@north.example', 'c@south.example'])
  expect(await names('createdAt: { gte: "-PT1H" }')).toHaveLength(3)
})

test('who becomes known is told to those who follow it', async () => {
  const items = await acme.follow('subscription { contactCreated { contact { name } event { summary } } }')
  const next = items.next()
  await create({ name: 'Nova' })
  expect((await next).value).toEqual({
    contactCreated: { contact: { name: 'Nova' }, event: { summary: 'Test key added the contact Nova' } },
  })
})
