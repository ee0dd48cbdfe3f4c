import { expect, test } from 'vitest'
import { createPasswords } from './passwords.ts'

test('what is too much at once is told to come again, and what waits is done', async () => {
  const passwords = createPasswords({ atOnce: 1, waiting: 2 })
  const asked = Array.from({ length: 5 }, () => passwords.hash('correct horse battery staple'))
  const answers = await Promise.allSettled(asked)
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'])
  expect(answers[4]).toMatchObject({ reason: { code: 'UNAVAILABLE', details: { retryAfterMs: 1_000 } } })
  expect(passwords.worked()).toBe(3)
  expect(await passwords.hash('once more')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
})

test('a password is right however its characters were typed, and nobody’s is ever right', async () => {
  const passwords = createPasswords()
  const stored = await passwords.hash('Ångström stays the same')
  expect(await passwords.verify(stored, 'A\u030angstro\u0308m stays the same')).toBe(true)
  expect(await passwords.verify(stored, 'angstrom stays the same')).toBe(false)
  for (const none of [null, undefined]) expect(await passwords.verify(none, 'nobody has this password')).toBe(false)
  expect(passwords.worked()).toBe(5)
})
