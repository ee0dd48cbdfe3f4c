import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StartFault } from '../lib/start-fault.ts'
import { isIdentityAlive, isProcessAlive, processIdentity } from './process-identity.ts'
import { withStartLock } from './start-lock.ts'

let folder = ''
let lockFile = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cadre-lock-test-'))
  lockFile = join(folder, 'lock')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function endedPid(): number {
  return spawnSync(process.execPath, ['--version']).pid
}

describe('the start lock', () => {
  it('lets one in at a time and leaves nothing behind', async () => {
    let inside = 0
    let most = 0
    const enter = () =>
      withStartLock(lockFile, 30_000, async () => {
        inside += 1
        most = Math.max(most, inside)
        await new Promise((resolve) => setImmediate(resolve))
        inside -= 1
      })
    await Promise.all(Array.from({ length: 8 }, enter))
    expect(most).toBe(1)
    expect(readdirSync(folder)).toEqual([])
  })

  it('is given back when the work fails', async () => {
    await expect(withStartLock(lockFile, 0, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(existsSync(lockFile)).toBe(false)
  })

  it.each([
    ['of a process that died', () => `${endedPid()}`],
    ['of an earlier process with the id of a living one', () => `${process.ppid} another-boot 1`],
    ['of an earlier process with our own id', () => processIdentity(process.pid)],
  ])('is taken over when it is the one %s', async (_whose, identity) => {
    writeFileSync(lockFile, JSON.stringify({ identity: identity(), token: 'old' }))
    expect(await withStartLock(lockFile, 30_000, async () => 'in')).toBe('in')
    expect(readdirSync(folder)).toEqual([])
  })

  it('is taken over when it cannot be read', async () => {
    writeFileSync(lockFile, '{"identi')
    expect(await withStartLock(lockFile, 30_000, async () => 'in')).toBe('in')
  })

  it('of a dead process is left to whoever is already removing it, and taken over when he died as well', async () => {
    writeFileSync(lockFile, JSON.stringify({ identity: `${endedPid()}`, token: 'old' }))
    writeFileSync(`${lockFile}.break`, '')
    await expect(withStartLock(lockFile, 0, async () => 'in')).rejects.toBeInstanceOf(StartFault)
    expect(readdirSync(folder).sort()).toEqual(['lock', 'lock.break'])
    utimesSync(`${lockFile}.break`, new Date(0), new Date(0))
    expect(await withStartLock(lockFile, 30_000, async () => 'in')).toBe('in')
    expect(readdirSync(folder)).toEqual([])
  })

  it('says what is wrong where it can never be had, and does not wait for it', async () => {
    const nowhere = withStartLock(join(folder, 'absent', 'lock'), 30_000, async () => 'in')
    await expect(nowhere).rejects.toMatchObject({ code: 'ENOENT' })
    mkdirSync(lockFile)
    await expect(withStartLock(lockFile, 30_000, async () => 'in')).rejects.toMatchObject({ code: 'EISDIR' })
    expect(readdirSync(folder)).toEqual(['lock'])
  })

  it('names the living process that holds it and does not let go', async () => {
    writeFileSync(lockFile, JSON.stringify({ identity: processIdentity(process.ppid), token: 'theirs' }))
    const refused = withStartLock(lockFile, 0, async () => 'in')
    await expect(refused).rejects.toBeInstanceOf(StartFault)
    await expect(refused).rejects.toThrow(`pid ${process.ppid}`)
    expect(existsSync(lockFile)).toBe(true)
  })
})

describe('the identity of a process', () => {
  it('is alive while the process is, and not for another that has its id', () => {
    expect(isIdentityAlive(processIdentity(process.pid))).toBe(true)
    expect(isIdentityAlive(`${endedPid()}`)).toBe(false)
    expect(isIdentityAlive('not a process')).toBe(false)
    const ended = endedPid()
    expect(processIdentity(ended)).toBe(`${ended}`)
    expect(isProcessAlive(process.pid)).toBe(true)
  })
})
