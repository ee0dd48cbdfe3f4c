import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The folder that holds package.json and prisma/, found by walking up from this file (`from`), so that it is the same
 * whether the code runs from src/ or from dist/. Throws when the package was taken apart.
 */
export function packageRoot(from = fileURLToPath(import.meta.url)): string {
  let folder = dirname(from)
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('package.json was not found above the code: the installation is incomplete')
    folder = parent
  }
  return folder
}

/** This release, as package.json names it. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }
  return version
}
