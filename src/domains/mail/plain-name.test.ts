import { expect, test } from 'vitest'
import { plainName } from './plain-name.ts'

test.each(['Dr. Müller & Co. KG', 'Ada Lovelace', 'Kite, Inc.', '株式会社'])('%s stays as it is', (name) => {
  expect(plainName(name)).toBe(name)
})

test.each([
  ['You won! https://evil.example/x', 'You won! https: / / evil. example/ x'],
  ['evil.example', 'evil. example'],
  ['evil。example', 'evil。 example'],
  ['write to eve@evil.example', 'write to eve@ evil. example'],
  ['\\\\evil\\share', '\\ \\ evil\\ share'],
  ['Acme\r\n\r\nhttp://evil.example', 'Acme http: / / evil. example'],
])('%j leads nowhere', (name, told) => expect(plainName(name)).toBe(told))

test('a long name is cut', () => {
  expect([...plainName('é'.repeat(200))]).toHaveLength(80)
  expect(plainName('é'.repeat(200)).endsWith('é…')).toBe(true)
})
