import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTemporaryFolder } from '../../../test/support/temporary-folder.ts'
import { accountFor, canEnter } from './embedded-account.ts'

const PASSWD = [
  'root:x:0:0:root:/root:/bin/bash',
  'daemon:x:1:1::/:',
  'nobody:x:65534:65533::/:',
  'postgres:x:70:71::/var/lib/postgresql:',
]

let folder = ''
let passwd = ''

beforeEach(() => {
  folder = openTemporaryFolder('cadre-account-test-')
  passwd = join(folder, 'passwd')
  writeFileSync(passwd, PASSWD.join('\n'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

describe('whoever is not root', () => {
  beforeEach(() => void vi.spyOn(process, 'getuid').mockReturnValue(1000))

  it('runs PostgreSQL himself', () => {
    expect(accountFor(folder)).toBeUndefined()
  })

  it('enters what he can and nothing that is not there', () => {
    expect(canEnter(undefined, folder)).toBe(true)
    expect(canEnter(undefined, join(folder, 'absent'))).toBe(false)
  })
})

describe.runIf(process.getuid?.() === 0)('for root, PostgreSQL runs', () => {
  it('as postgres where there is such a user, as nobody where there is not', () => {
    expect(accountFor(join(folder, 'absent'), passwd)).toEqual({ name: 'postgres', uid: 70, gid: 71 })
    writeFileSync(passwd, PASSWD.slice(0, 3).join('\n'))
    expect(accountFor(join(folder, 'absent'), passwd)).toEqual({ name: 'nobody', uid: 65534, gid: 65533 })
  })

  it('as nobody else: a machine without such users is told what to do', () => {
    writeFileSync(passwd, PASSWD.slice(0, 2).join('\n'))
    expect(() => accountFor(join(folder, 'absent'), passwd)).toThrow(/this machine has no user "postgres" or "nobody"/)
  })

  it('as the owner of data that is there already, also where he has no name here', () => {
    const data = join(folder, 'data')
    mkdirSync(data)
    // Root’s own data cannot be run by root.
    expect(accountFor(data, passwd)).toMatchObject({ name: 'postgres' })
    chownSync(data, 1, 1)
    expect(accountFor(data, passwd)).toEqual({ name: 'daemon', uid: 1, gid: 1 })
    chownSync(data, 54_321, 54_322)
    expect(accountFor(data, passwd)).toEqual({ name: 'uid 54321', uid: 54_321, gid: 54_322 })
  })

  it('as a user who may enter a folder by the one rule that is for him, and all folders above', () => {
    const account = { name: 'someone', uid: 54_321, gid: 54_322 }
    const inner = join(folder, 'inner')
    mkdirSync(inner)
    const enters = (uid: number, gid: number, mode: number): boolean => {
      chownSync(inner, uid, gid)
      chmodSync(inner, mode)
      return canEnter(account, inner)
    }
    expect(enters(54_321, 0, 0o700)).toBe(true)
    expect(enters(54_321, 0, 0o077)).toBe(false)
    expect(enters(0, 54_322, 0o710)).toBe(true)
    expect(enters(0, 54_322, 0o707)).toBe(false)
    expect(enters(0, 0, 0o701)).toBe(true)
    expect(enters(0, 0, 0o710)).toBe(false)
    expect(enters(0, 0, 0o755)).toBe(true)
    chmodSync(folder, 0o700)
    expect(canEnter(account, inner)).toBe(false)
  })
})
