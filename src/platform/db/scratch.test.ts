import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { afterwards, one, postmasterPid, project } from '../../../test/support/embedded.ts'
import { createLogger } from '../observability/logger.ts'
import { startEmbedded } from './embedded.ts'
import { isProcessAlive, processIdentity } from './process-identity.ts'
import { startScratchPostgres } from './scratch.ts'

const log = createLogger({ level: 'error', format: 'json' })

afterEach(() => vi.unstubAllEnvs())

describe('a scratch PostgreSQL', () => {
  it('is gone with its folder when it was stopped, and clears away what a killed process has left, nothing else', async () => {
    const temporary = project()
    vi.stubEnv('TMPDIR', temporary)
    const ended = processIdentity(spawnSync(process.execPath, ['--version']).pid)
    const folderOf = (name: string, owner: string | undefined) => {
      const folder = join(temporary, `cadre-scratch-${name}`)
      mkdirSync(folder)
      if (owner !== undefined) writeFileSync(join(folder, 'owner'), owner)
      return folder
    }
    const abandoned = folderOf('abandoned', ended)
    const left = await startEmbedded({ dir: abandoned, log, durable: false })
    afterwards(() => left.stop())
    const pid = postmasterPid(abandoned)
    // As after a kill: its note names a process that is no more.
    for (const note of readdirSync(join(abandoned, 'postgres-users'))) {
      writeFileSync(join(abandoned, 'postgres-users', note), `${ended}\n${join(abandoned, 'postgres-18')}`)
    }
    const kept = [folderOf('in-use', processIdentity(process.pid)), folderOf('being-made', undefined)]
    const odd = folderOf('odd', undefined)
    mkdirSync(join(odd, 'owner'))

    const scratch = await startScratchPostgres(log)
    expect(existsSync(abandoned)).toBe(false)
    expect(isProcessAlive(pid)).toBe(false)
    for (const folder of [...kept, odd]) expect(existsSync(folder)).toBe(true)
    expect(await one(scratch.url, 'SELECT 1 AS one')).toBe(1)
    expect(await one(scratch.adminUrl, 'SHOW fsync')).toBe('off')
    await scratch.stop()
    expect(readdirSync(temporary).sort()).toEqual([
      'cadre-scratch-being-made',
      'cadre-scratch-in-use',
      'cadre-scratch-odd',
    ])
  })
})
