import type { Finding } from './finding.ts'

interface Locked {
  readonly link?: boolean
  readonly resolved?: string
  readonly integrity?: string
}

/**
 * What is wrong with a package-lock.json: a package without a hash could be swapped, and one with an address ties every
 * installation to the registry of whoever wrote the file. (Existing linters check the addresses, which ours has none of.)
 */
export function checkLockFile(text: string): { readonly checked: number; readonly findings: Finding[] } {
  const { lockfileVersion, packages = {} } = JSON.parse(text) as {
    lockfileVersion?: number
    packages?: Record<string, Locked>
  }
  const finding = (rule: string, where: string, message: string): Finding => ({
    gate: 'lock-file',
    rule,
    where,
    message,
  })
  if (lockfileVersion !== 3) {
    return {
      checked: 0,
      findings: [finding('version', 'package-lock.json', `It is of version ${lockfileVersion}, not 3.`)],
    }
  }
  const installed = Object.entries(packages).filter(([path]) => path !== '')
  const findings = installed.flatMap(([path, { link, resolved, integrity }]) => {
    const name = path.replace(/^node_modules\//, '')
    if (link === true) return [finding('link', name, 'It is a folder of one machine, not a package.')]
    return [
      ...(resolved === undefined ? [] : [finding('address', name, `It is tied to an address: ${resolved}`)]),
      ...(integrity?.startsWith('sha512-') === true ? [] : [finding('integrity', name, 'It has no SHA-512 hash.')]),
    ]
  })
  return { checked: installed.length, findings }
}
