import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { readAdvisories } from './advisories.ts'
import { readExceptions, weigh } from './exceptions.ts'
import type { Finding } from './finding.ts'
import { checkLockFile } from './lock-file.ts'
import { findSecrets } from './secrets.ts'
import { lintSecurity } from './security-lint.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function fileWith(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'cadre-gates-test-'))
  folders.push(folder)
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

const rulesOf = (findings: readonly Finding[]): string[] => findings.map(({ rule, where }) => `${where}: ${rule}`)

describe('the lock file', () => {
  const lock = (packages: object) => JSON.stringify({ lockfileVersion: 3, packages: { '': {}, ...packages } })

  it('may hold packages with a hash and without an address', () => {
    expect(checkLockFile(lock({ 'node_modules/a': { integrity: 'sha512-x' } }))).toEqual({ checked: 1, findings: [] })
  })

  it('is refused for an address, a missing or weak hash, and a linked folder', () => {
    const { findings } = checkLockFile(
      lock({
        'node_modules/a': { integrity: 'sha512-x', resolved: 'https://packages.example/a.tgz' },
        'node_modules/b': {},
        'node_modules/c': { integrity: 'sha1-x' },
        'node_modules/d': { link: true },
      }),
    )
    expect(rulesOf(findings)).toEqual(['a: address', 'b: integrity', 'c: integrity', 'd: link'])
  })

  it('is refused in a version that holds no hashes', () => {
    expect(rulesOf(checkLockFile('{"lockfileVersion":1}').findings)).toEqual(['package-lock.json: version'])
  })
})

describe('advisories', () => {
  it('are told once, at the package that has them', () => {
    const advisory = { url: 'https://advisories.example/GHSA-1', title: 'It leaks', severity: 'high' }
    const report = { vulnerabilities: { a: { via: [advisory] }, b: { via: ['a'] } } }
    expect(readAdvisories(JSON.stringify(report))).toEqual({
      findings: [{ gate: 'advisories', rule: 'GHSA-1', where: 'a', message: 'high: It leaks' }],
    })
  })

  it('that cannot be asked for are neither found nor absent', () => {
    expect(readAdvisories('{"message":"405 Method Not Allowed"}')).toEqual({ unreachable: '405 Method Not Allowed' })
  })
})

describe('the secret scan', () => {
  it('finds a private key and a database password, and prints neither', async () => {
    // Put together here, so that the scan of this repository does not find this file.
    const key = ['-----BEGIN RSA PRIVATE KEY-----', 'MIIEowIBAAKCAQEA'.repeat(8), '-----END RSA PRIVATE KEY-----']
    const url = ['postgres://cadre', 'Tr0ub4dor@db.internal:5432/cadre'].join(':')
    const { checked, findings } = await findSecrets([
      fileWith('key.txt', key.join('\n')),
      fileWith('settings.txt', `DATABASE_URL=${url}`),
      fileWith('plain.txt', 'DATABASE_URL='),
    ])
    expect(checked).toBe(3)
    expect(findings.map(({ rule }) => rule)).toEqual(['privatekey', 'database-connection-string'])
    expect(JSON.stringify(findings)).not.toContain('Tr0ub4dor')
  })
})

describe('the security lint', () => {
  const codesIn = (text: string) => lintSecurity(fileWith('sample.ts', text)).findings.map(({ rule }) => rule)

  it('refuses a pattern whose time explodes, and one that grows with the square', () => {
    expect(codesIn('export const a = /^(a+)+$/')).toEqual(['regular-expressions(linear)'])
    expect(codesIn('export const b = /,+$/')).toEqual(['regular-expressions(linear)'])
    expect(codesIn('export const c = /^(?:[a-z]+\\.)+[a-z]+$/')).toEqual([])
  })

  it('refuses code that is put together at run time', () => {
    expect(codesIn('export const run = (text: string) => eval(text)')).toContain('eslint(no-eval)')
  })
})

describe('exceptions', () => {
  const finding: Finding = { gate: 'secrets', rule: 'basicauth', where: 'a.ts', message: 'line 1' }
  const entry = { gate: 'secrets', rule: 'basicauth', where: 'a.ts', reason: 'An invented address, refused.' }
  const asked = new Set<Finding['gate']>(['secrets'])
  const exceptions = readExceptions(JSON.stringify([{ ...entry, until: '2030-06-30' }]))

  it('excuse what they name, through their last day', () => {
    const other = { ...finding, where: 'b.ts' }
    const verdict = weigh([finding, other], exceptions, { today: '2030-06-30', asked })
    expect(verdict).toEqual({ open: [other], excused: [finding], expired: [], unused: [] })
  })

  it('excuse nothing after it, and are reported', () => {
    const verdict = weigh([finding], exceptions, { today: '2030-07-01', asked })
    expect(verdict).toEqual({ open: [finding], excused: [], expired: exceptions, unused: [] })
  })

  it('are reported once they excuse nothing, unless their gate could not be asked', () => {
    expect(weigh([], exceptions, { today: '2030-01-01', asked }).unused).toEqual(exceptions)
    expect(weigh([], exceptions, { today: '2030-01-01', asked: new Set() }).unused).toEqual([])
  })

  it('are refused without a reason or a date', () => {
    expect(() => readExceptions(JSON.stringify([{ ...entry, reason: 'later', until: '2030-06-30' }]))).toThrow('reason')
    expect(() => readExceptions(JSON.stringify([entry]))).toThrow('until')
  })
})
