import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { newId } from '../../platform/lib/ids.ts'
import { addCounts, certify, namesPerson } from './model.ts'

const INA = {
  emails: ['Ina@Visitors.example', 'ina@visitors.example'],
  phones: ['+4366012345'],
  names: ['Ina Öberg-Li'],
}
const called = (...names: string[]) => ({ emails: [], phones: [], names })

describe('a text names a person', () => {
  it.each([
    'Renewal for ina@visitors.example',
    'Call 660 123 45 (0043 66012345)',
    'Oberg, heron',
    'INA’s heron',
    'Haus Öberg',
    'Li Ltd',
  ])('by address, number or a part of the name as a word: %s', (text) => expect(namesPerson(text, INA)).toBe(true))

  it.each(['Acme renewal', 'Inability', 'Lithium Ltd', '18.000 EUR', ''])('and not otherwise: %j', (text) =>
    expect(namesPerson(text, INA)).toBe(false),
  )

  it('of whom nothing is known never', () => {
    expect(namesPerson('anything at all', called())).toBe(false)
  })

  it('also by what they were called before, by a name of two letters, and where no spaces are written', () => {
    expect(namesPerson('Heron for Bo', called('Mia Kern', 'Bo Li'))).toBe(true)
    expect(namesPerson('李伟的合同', called('李伟'))).toBe(true)
    expect(namesPerson('合同', called('李伟'))).toBe(false)
  })

  it('not by what stands in everybody’s', () => {
    expect(namesPerson('Casa de Campo', called('Ana de Souza'))).toBe(false)
    expect(namesPerson('Plan B', called('B. Traven'))).toBe(false)
  })
})

describe('a certificate', () => {
  it('is the text that its digest is over, of ids and figures sorted by table', () => {
    const [id, workspaceId, contact, member] = [newId(), newId(), newId(), newId()]
    const { document, digest } = certify({
      id,
      workspaceId,
      subject: { kind: 'contact', id: contact },
      requestedBy: { kind: 'MEMBER', id: member },
      requestedAt: new Date(0),
      finishedAt: new Date(1_000),
      counts: addCounts({ run: 1, contact: 1 }, { run: 2, deal: 0 }),
    })
    expect(JSON.parse(document)).toEqual({
      erasure: `erasure_${id}`,
      workspace: `workspace_${workspaceId}`,
      subject: `contact_${contact}`,
      requestedBy: { kind: 'MEMBER', id: `member_${member}` },
      requestedAt: '1970-01-01T00:00:00.000Z',
      finishedAt: '1970-01-01T00:00:01.000Z',
      counts: [
        { table: 'contact', rows: 1 },
        { table: 'run', rows: 3 },
      ],
    })
    expect(digest).toBe(createHash('sha256').update(document).digest('hex'))
  })
})
