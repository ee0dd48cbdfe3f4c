import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openTemporaryFolder } from '../../../test/support/temporary-folder.ts'
import { isUuid } from '../../platform/lib/ids.ts'
import { type ColumnMapping, csvLeads, mapColumns, mappingText } from './csv-leads.ts'
import type { FieldDescription, Lead } from './lead.ts'

const field = (key: string, label: string, kind = 'TEXT'): FieldDescription => ({ key, label, kind })
const email = field('email', 'E-mail', 'EMAIL')
const company = field('company', 'Company name')
const city = field('city', 'Städt')
const message = field('message', 'Message', 'LONG_TEXT')
const fields = [email, company, city, message]

const folder = openTemporaryFolder('cadre-csv-test-')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function read(csv: string, of: readonly FieldDescription[] = fields) {
  const file = join(folder, 'leads.csv')
  writeFileSync(file, csv)
  const mappings: ColumnMapping[] = []
  const leads: Lead[] = []
  for await (const lead of csvLeads(file, of, (mapping) => mappings.push(mapping))) leads.push(lead)
  return { leads, mappings }
}

describe('columns of a file', () => {
  test('find their field by key or label, whatever case, accents and punctuation; the rest is kept', () => {
    const mapping = mapColumns(['E MAIL', 'COMPANY-NAME', 'stadt', 'Prospect ID', 'Lead Source'], fields)
    expect([...mapping.fields]).toEqual([
      ['E MAIL', email],
      ['COMPANY-NAME', company],
      ['stadt', city],
    ])
    expect([mapping.id, mapping.rest, mapping.longText]).toEqual(['Prospect ID', ['Lead Source'], message])
  })

  test('never feed one field twice, nor are there two ids, nor does one fill the long text alone', () => {
    const mapping = mapColumns(['company', 'Company name', 'id', 'uuid', 'message'], fields)
    expect([...mapping.fields.keys()]).toEqual(['company'])
    expect([mapping.id, mapping.rest]).toEqual(['id', ['Company name', 'uuid', 'message']])
  })
})

describe('columns that are called otherwise', () => {
  const name = field('name', 'Name')
  const phone = field('phone', 'Phone', 'PHONE')
  const occupation = field('occupation', 'What is your current occupation')
  const all = [email, name, field('company', 'Company'), phone, occupation, city, message]

  test('find their field by what it is usually called; a name may come in parts', async () => {
    const { leads, mappings } = await read(
      'First Name,Last Name,Work Email,Company name,Job title,Phone number,Notes\n' +
        'Ada,Byron,ada@kite.example,Kite & Co,Owner,+43 1 234567,Soon\n,Only,b@kite.example,,,,\n',
      all,
    )
    expect(mappings[0]?.rest).toEqual(['Notes'])
    expect(leads.map(({ answers }) => answers)).toEqual([
      {
        name: 'Ada Byron',
        email: 'ada@kite.example',
        company: 'Kite & Co',
        occupation: 'Owner',
        phone: '+43 1 234567',
        message: 'Notes: Soon',
      },
      { name: 'Only', email: 'b@kite.example' },
    ])
  })

  test.each([
    [
      ['Full name', 'Name', 'Email Address', 'E-mail', 'Title'],
      { 'E-mail': 'email', Name: 'name', Title: 'occupation' },
    ],
    [['Full Name', 'First Name', 'Last Name'], { 'Full Name': 'name' }],
    [['Last Name', 'First Name'], { 'First Name': 'name', 'Last Name': 'name' }],
    [['Contact', 'Contact Name', 'Person'], { 'Contact Name': 'name' }],
    [['Title', 'Job Title'], { 'Job Title': 'occupation' }],
    [['Mobile', 'Phone number'], { 'Phone number': 'phone' }],
    [
      ['Vorname', 'Nachname', 'E-Mail-Adresse', 'Firma', 'Telefon'],
      { 'E-Mail-Adresse': 'email', Vorname: 'name', Nachname: 'name', Firma: 'company', Telefon: 'phone' },
    ],
  ])('of %j the likeliest feeds its field, in the order in which one would say it', (columns, expected) => {
    const mapping = mapColumns(columns, all)
    expect([...mapping.fields].map(([column, { key }]) => [column, key])).toEqual(Object.entries(expected))
  })

  test.each(['Do Not Email', 'Email opened', 'Email opt-in', 'Company size', 'Phone calls', 'Page title'])(
    'are not what “%s” is',
    (column) => expect(mapColumns([column], all).fields.size).toBe(0),
  )
})

describe('leads of a file', () => {
  test('carry what was answered, and in the long text what has no field, without what nobody chose', async () => {
    const { leads } = await read(
      '\ufeffEmail,Company,City,Source,Grade\nkim@nimbus.example, Nimbus Labs ,Select,Fair,\n\n, ,,,\nana@porto.example,,Porto,select,B\n',
    )
    expect(leads.map(({ label, answers }) => [label, answers])).toEqual([
      ['Nimbus Labs', { email: 'kim@nimbus.example', company: 'Nimbus Labs', message: 'Source: Fair' }],
      [leads[1]?.id.slice(0, 8), { email: 'ana@porto.example', city: 'Porto', message: 'Grade: B' }],
    ])
  })

  test('keep an id that is one, so that a file sent twice is stored once, and get one where it is none', async () => {
    const { leads } = await read('ID,Email\n0192F3A4-7C3E-7000-8000-000000000000,a@b.example\nseventeen,c@d.example\n')
    expect(leads[0]?.id).toBe('0192f3a4-7c3e-7000-8000-000000000000')
    expect(leads[1]?.id).not.toBe('seventeen')
    expect(isUuid(leads[1]?.id ?? '')).toBe(true)
  })

  test.each([
    ['semicolons', 'E-mail;Company name\na@b.example;Bar, Baz & Co\n'],
    ['tabs', 'E-mail\tCompany name\na@b.example\tBar, Baz & Co\n'],
  ])('are read where %s stand between the values', async (_what, csv) => {
    expect((await read(csv)).leads[0]?.answers).toEqual({ email: 'a@b.example', company: 'Bar, Baz & Co' })
  })

  test('find the e-mail by what address books call it', async () => {
    expect((await read('Email Address\na@b.example\n')).leads[0]?.answers).toEqual({ email: 'a@b.example' })
  })

  test('are told how they were read: what feeds what, what is made up, and where the rest goes', async () => {
    const { mappings } = await read('ID,Company,Source\n1,Acme,Fair\n')
    expect(mappings.map(mappingText)).toEqual([
      "  ID → the submission's id\n  Company → Company name\n  no column for “E-mail” → <id>@leads.example, which is nobody's\n" +
        '  1 other column → lines of “Message”\n\n',
    ])
  })

  test('of a file that has nothing the form asks for are none: both are named', async () => {
    await expect(read('foo,bar\n1,2\n')).rejects.toMatchObject({
      message: expect.stringContaining('is a field of the form. It has: foo · bar'),
      hint: 'The form’s fields: E-mail · Company name · Städt · Message'.replace('’', "'"),
    })
  })

  test('of a file that tells its leads apart by ids get addresses that can never be anybody’s', async () => {
    const { leads } = await read('ID,Company\n0192f3a4-7c3e-7000-8000-000000000000,Acme\n')
    const address = '0192f3a4-7c3e-7000-8000-000000000000@leads.example'
    expect(leads[0]?.answers).toEqual({ company: 'Acme', email: address })
  })

  test('of a file whose ids are no UUIDs get ids and addresses made of them, the same each time', async () => {
    const [first, again] = [await read('ID,Company\n7,Acme\n8,Bolt\n'), await read('ID,Company\n7,Acme\n')]
    expect(isUuid(first.leads[0]?.id ?? '')).toBe(true)
    expect(first.leads[0]?.answers.email).toBe(`${first.leads[0]?.id}@leads.example`)
    expect(again.leads[0]?.id).toBe(first.leads[0]?.id)
    expect(first.leads[1]?.id).not.toBe(first.leads[0]?.id)
  })

  test('are read as spreadsheets write them where they are not UTF-8', async () => {
    const file = join(folder, 'windows.csv')
    writeFileSync(file, Buffer.from('Email;Company name\nuta@weiss.example;Wei\xdf & Co \x80\n', 'latin1'))
    const leads: Lead[] = []
    for await (const lead of csvLeads(file, fields, () => {})) leads.push(lead)
    expect(leads[0]?.answers).toEqual({ email: 'uta@weiss.example', company: 'Weiß & Co €' })
  })

  test('of a file without addresses and ids are none: nobody wants ten leads of a column that happened to fit', async () => {
    await expect(read('City,Notes\nGraz,Soon\n')).rejects.toMatchObject({
      message: expect.stringContaining("is the form's “E-mail”. It has: City · Notes"),
      hint: expect.stringContaining('Call one “E-mail”.'),
    })
  })

  test('of a file with addresses stay without one where it is missing: the form says what it thinks of that', async () => {
    const { leads } = await read('ID,Email,Company\n1,,Acme\n')
    expect(leads[0]?.answers).toEqual({ company: 'Acme' })
  })

  test('of a form that asks for no address and has no long text are what fits, and nothing else', async () => {
    const { leads } = await read('name,age\nKim,40\n', [field('name', 'Name')])
    expect(leads).toEqual([{ id: leads[0]?.id, label: 'Kim', answers: { name: 'Kim' }, line: 2 }])
  })

  test('of a row that ends early are not answered where it ends', async () => {
    const { leads } = await read('Email,Company,Source\na@b.example\n')
    expect(leads[0]?.answers).toEqual({ email: 'a@b.example' })
  })

  test('say once how the columns were read, and each where it stands', async () => {
    const { leads, mappings } = await read('Email,Company\na@b.example,"Bar,\nBaz & Co"\n\nc@d.example,Acme\n')
    expect(mappings).toHaveLength(1)
    expect(leads.map(({ line }) => line)).toEqual([3, 5])
  })

  test.each([
    ['only the names of columns', 'Email\n'],
    ['nothing', ''],
  ])('of a file with %s are none, which is said', async (_what, csv) => {
    await expect(read(csv)).rejects.toMatchObject({
      message: expect.stringMatching(/^There is no lead in .*leads\.csv\.$/),
    })
  })

  test.each([
    ['is not there', join(folder, 'missing.csv'), 'no such file or directory'],
    ['is a folder', folder, 'illegal operation on a directory'],
  ])('of a file that %s are none, and why is said in a line', async (_what, file, reason) => {
    const next = csvLeads(file, fields, () => {}).next()
    await expect(next).rejects.toThrow(`${file} cannot be read as CSV: `)
    await expect(next).rejects.toThrow(reason)
  })

  test('of a file that is no CSV are none, and why is said in a line', async () => {
    await expect(read('Email\n"never closed\n')).rejects.toThrow(/leads\.csv cannot be read as CSV: Quote Not Closed/)
  })
})
