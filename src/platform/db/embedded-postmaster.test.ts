import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { afterwards, project, start } from '../../../test/support/embedded.ts'
import { accountFor } from './embedded-account.ts'
import { type EmbeddedBinaries, findPackagedBinaries, prepareBinaries } from './embedded-binaries.ts'
import { defaultRootDir } from './embedded-place.ts'
import {
  isPostmasterOf,
  logFile,
  readPidFile,
  runProgram,
  startFault,
  startPostmaster,
  stopPostmaster,
  waitUntilAccepting,
} from './embedded-postmaster.ts'
import { findFreePort } from './free-port.ts'

let dataDir = ''

beforeEach(() => {
  dataDir = realpathSync(project())
})
afterEach(() => {
  vi.useRealTimers()
})

const writePidFile = (...lines: (string | number)[]) => writeFileSync(join(dataDir, 'postmaster.pid'), lines.join('\n'))

/** A process in the data folder, which is how a postmaster is known. */
async function startLivingProcess(): Promise<number> {
  const child = spawn('sleep', ['1000'], { cwd: dataDir, stdio: 'ignore' })
  await once(child, 'spawn')
  afterwards(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  return child.pid ?? 0
}

/** The package, with a pg_ctl that writes these words into the server's log, and says these, and fails. */
function failing(words: { readonly log?: string; readonly says?: string }): EmbeddedBinaries {
  const pgCtl = join(dataDir, 'pg_ctl')
  const log = words.log === undefined ? '' : `echo '${words.log}' >> '${logFile(dataDir)}'`
  writeFileSync(pgCtl, `#!/bin/sh\n${log}\necho '${words.says ?? ''}'\nexit 1\n`)
  chmodSync(pgCtl, 0o755)
  return { ...findPackagedBinaries(), pgCtl }
}

const startWith = (binaries: EmbeddedBinaries, port = 1) =>
  startPostmaster({ binaries, account: undefined, dataDir, port, maxConnections: 10, durable: true })

describe('postmaster.pid', () => {
  it('says nothing while it is being written', () => {
    expect(readPidFile(dataDir)).toBeNull()
    for (const lines of [[''], ['4711'], ['4711', dataDir], ['4711', dataDir, 0, 'x'], ['0', dataDir, 0, 5432]]) {
      writePidFile(...lines)
      expect(readPidFile(dataDir)).toBeNull()
    }
    writePidFile(4711, dataDir, 1_700_000_000, 5432, '')
    expect(readPidFile(dataDir)).toEqual({ pid: 4711, dataDir, port: 5432 })
  })

  it('is no claim on this folder when it was copied here with another’s', async () => {
    const pid = await startLivingProcess()
    expect(isPostmasterOf(dataDir, { pid, dataDir, port: 1 })).toBe(true)
    expect(isPostmasterOf(dataDir, { pid, dataDir: project(), port: 1 })).toBe(false)
    expect(isPostmasterOf(dataDir, { pid, dataDir: join(dataDir, 'gone'), port: 1 })).toBe(false)
    expect(isPostmasterOf(project(), { pid, dataDir, port: 1 })).toBe(false)
  })
})

describe('a server that is found running', () => {
  it('and accepts nobody in the time that a start may take is named, with how to stop it', async () => {
    const pid = await startLivingProcess()
    writePidFile(pid, dataDir, 0, await findFreePort(), '')
    vi.useFakeTimers({ toFake: ['Date'] })
    const waiting = waitUntilAccepting(dataDir, 'postgresql://postgres:secret@127.0.0.1:1/postgres').catch((err) => err)
    vi.setSystemTime(Date.now() + 61_000)
    const fault = await waiting
    expect(fault.message).toContain(`PostgreSQL runs in ${dataDir} (pid ${pid}) but accepts no connection:`)
    expect(fault.message).toContain('ECONNREFUSED')
    expect(fault.hint).toContain(`kill -INT ${pid}`)
    expect(fault.message + fault.hint).not.toContain('secret')
  })

  it('is not ours when it went away while it was asked', async () => {
    expect(await waitUntilAccepting(dataDir, 'postgresql://postgres@127.0.0.1:1/postgres')).toBe(false)
  })

  it('and does not go when it is told to is named with what pg_ctl said', async () => {
    const pid = await startLivingProcess()
    writePidFile(pid, dataDir, 0, 5432, '')
    const stopped = stopPostmaster(failing({ says: 'pg_ctl: server does not shut down' }), undefined, dataDir)
    await expect(stopped).rejects.toThrow(
      `PostgreSQL (pid ${pid}) could not be stopped: pg_ctl: server does not shut down`,
    )
  })
})

describe('a start', () => {
  it('on a port that somebody took since it was found free is told apart, so that another is tried', async () => {
    const dir = project()
    const postgres = await start(dir)
    await postgres.stop()
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    afterwards(async () => void squatter.close())
    dataDir = realpathSync(postgres.dataDir)
    const account = accountFor(dataDir)
    const outcome = await startPostmaster({
      // As a start has them: its account may not be able to enter the project.
      binaries: prepareBinaries(findPackagedBinaries(), account, account === undefined ? () => dir : defaultRootDir),
      account,
      dataDir,
      port: (squatter.address() as AddressInfo).port,
      maxConnections: 10,
      durable: false,
    })
    expect(outcome).toBe('port-taken')
  })

  it('while processes of a killed server are still going away is told apart, so that it is tried again', async () => {
    const log = 'FATAL: pre-existing shared memory block (key 1, ID 2) is still in use'
    expect(await startWith(failing({ log }))).toBe('in-use')
  })

  it('is judged by what was written since, not by an earlier failure in the same log', async () => {
    writeFileSync(logFile(dataDir), 'could not bind IPv4 address "127.0.0.1": Address already in use\n')
    await expect(startWith(failing({ log: 'FATAL: no such thing' }))).rejects.toThrow(/FATAL: no such thing$/)
  })

  it('begins a new log when the old one is large, and keeps that', async () => {
    const old = Buffer.alloc(10 * 1024 * 1024 + 1, 'x')
    writeFileSync(logFile(dataDir), old)
    await expect(startWith(failing({ log: 'FATAL: no such thing' }))).rejects.toThrow(/: FATAL: no such thing$/)
    expect(statSync(`${logFile(dataDir)}.1`).size).toBe(old.length)
    expect(readFileSync(logFile(dataDir), 'utf8')).toBe('FATAL: no such thing\n')
  })

  it('quotes pg_ctl where the server wrote nothing, and says so where that said nothing either', async () => {
    await expect(startWith(failing({ says: 'pg_ctl: directory is empty' }))).rejects.toThrow(
      `PostgreSQL could not start in ${dataDir}: pg_ctl: directory is empty`,
    )
    expect(existsSync(logFile(dataDir))).toBe(false)
    await expect(startWith(failing({}))).rejects.toThrow(/: it said nothing$/)
  })

  it('that found no room on the disk says how much there is, before and after the folder was made', () => {
    const output = 'PANIC: could not write to file "pg_wal/xlogtemp.1": No space left on device'
    const made = join(dataDir, 'made')
    mkdirSync(made)
    for (const folder of [made, join(dataDir, 'absent')]) {
      expect(startFault(folder, output).message).toMatch(/the disk is full \(\d+\.\d GB free, 0\.3 GB needed\)\.$/)
    }
  })
})

describe('a program of PostgreSQL', () => {
  it('knows nothing of our environment and does not run in our folder', async () => {
    vi.stubEnv('PGPORT', '1')
    afterwards(async () => void vi.unstubAllEnvs())
    const { exitCode, output } = await runProgram('/bin/sh', ['-c', 'pwd; echo "port $PGPORT"; exit 3'], undefined)
    expect({ exitCode, output }).toEqual({ exitCode: 3, output: '/\nport \n' })
  })

  it('that is not there is an error, not a wait', async () => {
    await expect(runProgram(join(dataDir, 'absent'), [], undefined)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
