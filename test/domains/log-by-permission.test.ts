import { expect, test } from 'vitest'
import { caller, signedUp } from './people.ts'
import { standingHouse } from './standing-house.ts'

const house = standingHouse()

interface Told {
  readonly type: string
  readonly summary: string
  readonly subject: object | null
  readonly changes: readonly { readonly field: string; readonly to: string | null }[]
}

test('a key that may read the log alone learns that something happened, and nothing of what it may not read', async () => {
  const ada = await signedUp(house, 'Acme')
  const keyWith = async (permissions: readonly string[]) => {
    const { secret } = await ada.mutate('createApiKey', { name: permissions.join(' and '), permissions }, 'secret')
    return caller(house, String(secret))
  }
  const { contact } = await ada.mutate(
    'createContact',
    { name: 'Edith Clarke', email: 'edith@kite.example' },
    'contact { id }',
  )
  const { id } = contact as { id: string }
  await ada.mutate('updateContact', { id, email: 'clarke@kite.example' })

  const reader = await keyWith(['EVENTS_READ', 'CONTACTS_READ'])
  const told = async (by: Pick<typeof reader, 'query'>): Promise<readonly Told[]> => {
    const query = '{ events { nodes { type summary subject { id } changes { field to } } } }'
    const { events } = (await by.query(query)) as { events: { nodes: readonly Told[] } }
    return events.nodes.filter(({ type }) => type.startsWith('CONTACT_'))
  }
  await expect.poll(() => told(reader)).toHaveLength(2)
  const whole = await told(reader)
  expect(whole.map(({ summary }) => summary)).toEqual(whole.map(() => expect.stringContaining('Edith Clarke')))
  expect(JSON.stringify(whole)).toContain('clarke@kite.example')

  const part = await told(await keyWith(['EVENTS_READ']))
  expect(part.map(({ type }) => type)).toEqual(whole.map(({ type }) => type))
  expect(part.map(({ summary }) => summary)).toEqual(part.map(() => expect.stringContaining('a contact')))
  expect(part.map(({ subject, changes }) => ({ subject, changes }))).toEqual([
    { subject: null, changes: [] },
    { subject: null, changes: [{ field: 'email', to: null }] },
  ])
  expect(JSON.stringify(part)).not.toMatch(/edith|clarke/i)
})
