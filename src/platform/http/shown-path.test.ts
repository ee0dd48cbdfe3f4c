import { expect, test } from 'vitest'
import { createSecret } from '../auth/secret-token.ts'
import { shownPath } from './shown-path.ts'

test('a path is shown as it is, but for a secret in it, however it is written', () => {
  expect(shownPath('/f/demo/book-a-demo')).toBe('/f/demo/book-a-demo')
  expect(shownPath('/')).toBe('/')
  expect(shownPath('/f/%zz')).toBe('/f/%zz')
  for (const kind of ['invite', 'reset', 'email', 'setup'] as const) {
    const { plain } = createSecret(kind)
    for (const written of [plain, `x${plain}y`, plain.replace('c', '%63'), plain.slice(0, -5)]) {
      expect(shownPath(`/invite/${written}/more`)).toBe(`/invite/cadre_${kind}_[redacted]/more`)
    }
  }
})
