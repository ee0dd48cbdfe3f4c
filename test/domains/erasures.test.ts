import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { PERMISSIONS } from '../../src/platform/auth/viewer.ts'
import { houseOfAcme } from './standing-house.ts'

const { house, acme } = houseOfAcme()
let contact: string
let erasure: string
beforeAll(async () => {
  const made = await acme.mutate(
    'createContact',
    { name: 'Ina Wobbleton', email: 'ina@visitors.example' },
    'contact { id }',
  )
  contact = (made.contact as { id: string }).id
  await acme.mutate('updateContact', { id: contact, phone: '+43660123456' })
  const finished = await acme.follow('subscription { contactErased { erasure { id status } digest } }')
  const asked = await acme.mutate(
    'eraseContact',
    { id: contact, reason: 'Asked by mail' },
    'erasure { id status subject { id } certificate { id } }',
  )
  expect(asked.erasure).toMatchObject({ status: 'QUEUED', subject: { id: contact }, certificate: null })
  erasure = (asked.erasure as { id: string }).id
  const { value } = await finished.next()
  expect(value).toMatchObject({ contactErased: { erasure: { id: erasure, status: 'SUCCEEDED' } } })
})

describe('an erasure, over the API', () => {
  it('leaves a certificate that says of whom, by whom and how much, and whose digest is that of its document', async () => {
    const { erasure: found, erasures } = await acme.query(
      `query ($id: ID!) { erasures { nodes { id } } erasure(id: $id) { reason attempts requestedBy { kind }
         certificate { id subject { id } finishedAt counts { table rows } document digest } } }`,
      { id: erasure },
    )
    expect(erasures).toEqual({ nodes: [{ id: erasure }] })
    const { certificate } = found as { certificate: { document: string; digest: string } }
    expect(found).toMatchObject({
      reason: 'Asked by mail',
      attempts: 0,
      requestedBy: { kind: 'API_KEY' },
      certificate: {
        id: erasure,
        subject: { id: contact },
        // What was told when the contact was changed.
        counts: [
          { table: 'contact', rows: 1 },
          { table: 'event_log', rows: 1 },
        ],
      },
    })
    expect(createHash('sha256').update(certificate.document).digest('hex')).toBe(certificate.digest)
  })

  it('shows what happened to the contact, and not what was told', async () => {
    const { contact: left } = await acme.query(
      `query ($id: ID!) { contact(by: { id: $id }) { name email phone erasedAt
         timeline { nodes { type summary erasedAt changes { field } detail { __typename event { id } } } } } }`,
      { id: contact },
    )
    expect(left).toMatchObject({ name: null, email: null, phone: null, erasedAt: expect.any(String) })
    const { nodes } = (left as { timeline: { nodes: Record<string, unknown>[] } }).timeline
    expect(
      nodes.map(({ type, summary, detail }) => [type, summary, (detail as { __typename: string }).__typename]),
    ).toEqual([
      ['CONTACT_CREATED', 'Test key added the contact Erased contact', 'ContactCreated'],
      ['CONTACT_UPDATED', 'Contact updated (erased)', 'Erased'],
      ['CONTACT_ERASURE_REQUESTED', 'Test key had a person erased', 'ContactErasureRequested'],
      ['CONTACT_ERASED', 'A person was erased: 2 records emptied or removed', 'ContactErased'],
    ])
    expect(nodes[1]).toMatchObject({ erasedAt: expect.any(String), changes: [] })
    const { verifyAuditLog } = await acme.query('{ verifyAuditLog { intact erased complete } }')
    expect(verifyAuditLog).toEqual({ intact: true, erased: 1, complete: true })
  })

  it('asked for again is the same one; and what is erased is not filled in again', async () => {
    const again = await acme.mutate('eraseContact', { id: contact }, 'erasure { id }')
    expect(again.erasure).toEqual({ id: erasure })
    expect(await acme.mutate('updateContact', { id: contact, name: 'Ina' })).toMatchObject({
      __typename: 'ConflictError',
      reason: 'CLOSED',
    })
    const anew = await acme.mutate('createContact', { email: 'ina@visitors.example' }, 'contact { id }')
    expect(anew.contact).not.toEqual({ id: contact })
  })

  it('needs PERSONAL_DATA_ERASE, which members do not hold, and a contact of one’s own', async () => {
    const others = await acme.as(PERMISSIONS.filter((permission) => permission !== 'PERSONAL_DATA_ERASE'))
    const refused = { __typename: 'ForbiddenError', needs: 'PERSONAL_DATA_ERASE' }
    expect(await others.mutate('eraseContact', { id: contact })).toMatchObject(refused)
    expect(await (await acme.member('MEMBER')).mutate('eraseContact', { id: contact })).toMatchObject(refused)
    const elsewhere = await house.workspace('Other')
    expect(await elsewhere.mutate('eraseContact', { id: contact })).toMatchObject({ __typename: 'NotFoundError' })
    expect(await elsewhere.query('query ($id: ID!) { erasure(id: $id) { id } }', { id: erasure })).toEqual({
      erasure: null,
    })
    for (const input of [
      { id: contact, reason: 'x'.repeat(501) },
      { id: contact, reason: ' ' },
    ]) {
      expect(await acme.mutate('eraseContact', input)).toMatchObject({ __typename: 'InvalidInputError' })
    }
  })
})
