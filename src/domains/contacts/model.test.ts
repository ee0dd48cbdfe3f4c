import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAppError } from '../../platform/lib/errors.ts'
import { createContactInput, fillEmpty, normaliseEmail, normalisePhone, updateContactInput } from './model.ts'

test('two spellings of one address are one: case, space around it and an international domain do not matter', () => {
  expect(normaliseEmail('  Ada.Lovelace@Example.COM ')).toBe('ada.lovelace@example.com')
  expect(normaliseEmail('info@bücher.example')).toBe(normaliseEmail('INFO@xn--bcher-kva.example'))
})

test.each(['J\u030c', 'H\u0331', 'T\u0308', 'W\u030a', 'Y\u030a', '\u0130', '\u212a', '\u03a9\u0301\u0345'])(
  'an address that begins with %j is one, composed or not, in capitals or not',
  (letter) => {
    const one = normaliseEmail(`${letter}da@example.com`)
    expect(one).toBeDefined()
    expect(normaliseEmail(one ?? '')).toBe(one)
    expect(normaliseEmail(`${letter.toLowerCase().normalize('NFC')}da@example.com`)).toBe(one)
  },
)

test('dots and tags before the @ are kept: only the mailbox knows what they mean', () => {
  expect(normaliseEmail('a.da+work@example.com')).toBe('a.da+work@example.com')
})

test.each([
  '',
  'ada',
  '@example.com',
  'ada@',
  'ada@localhost',
  'a b@example.com',
  'ada@exa mple.com',
  '<ada@example.com>',
  'ada@example..com',
  `${'x'.repeat(250)}@example.com`,
  'a\u200bda@example.com',
  'a\u202eda@example.com',
  'a\u0001da@example.com',
  'a\ud800da@example.com',
  // Composing it would take minutes.
  `a${'\u0316\u0301'.repeat(500_000)}@example.com`,
])('%j is no e-mail address', (text) => expect(normaliseEmail(text)).toBeUndefined())

test('normalising an address twice changes nothing', () => {
  fc.assert(
    fc.property(fc.emailAddress(), (email) => {
      const once = normaliseEmail(email)
      if (once !== undefined) expect(normaliseEmail(once)).toBe(once)
    }),
  )
})

test.each([
  ['+49 (0) 30 123-456', '+4930123456'],
  ['0049 30 123456', '+4930123456'],
  ['+1.415.555.2671', '+14155552671'],
])('the phone number %s is %s', (text, phone) => expect(normalisePhone(text)).toBe(phone))

test.each(['', '030 123456', '+49', '+0123456789', '+49 30 call me', '+1234567890123456'])(
  '%j is no phone number with a country code',
  (text) => expect(normalisePhone(text)).toBeUndefined(),
)

test('a fact fills an empty field and never replaces what is there', () => {
  const contact = { name: 'Ada', phone: null, companyName: null }
  expect(fillEmpty(contact, { name: 'Eve', phone: '+4930123456', companyName: '  ' })).toEqual({ phone: '+4930123456' })
})

test('a wrong e-mail and a wrong phone number are both named with their fields', () => {
  const { error } = createContactInput.safeParse({ email: 'ada', phone: '12' })
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual(['email', 'phone'])
})

test('in an update a field left out stays out, and null stays null', () => {
  const id = '0192f3a4-7c3e-7000-8000-000000000001'
  const parsed = updateContactInput.parse({ id: `contact_${id}`, phone: null })
  expect(parsed).toEqual({ id, phone: null })
})

test('an owner that is neither an employee nor a member is not found', () => {
  let thrown: unknown
  try {
    createContactInput.parse({ owner: 'deal_0192f3a4-7c3e-7000-8000-000000000001' })
  } catch (err) {
    thrown = err
  }
  expect(isAppError(thrown) && thrown.code).toBe('NOT_FOUND')
})
