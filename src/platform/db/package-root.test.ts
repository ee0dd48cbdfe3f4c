import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot, packageVersion } from './package-root.ts'

it('the package is found from its own code, and says which release it is', () => {
  expect(existsSync(join(packageRoot(), 'prisma', 'migrations'))).toBe(true)
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/)
})

it('code that was taken out of its package says that the installation is incomplete', () => {
  expect(() => packageRoot('/platform/db/package-root.ts')).toThrow(/the installation is incomplete/)
})
