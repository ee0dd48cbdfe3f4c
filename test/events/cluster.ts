import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Account, accountFor } from '../../src/platform/db/embedded-account.ts'
import { findPackagedBinaries, prepareBinaries } from '../../src/platform/db/embedded-binaries.ts'
import { createPrivateFolder, writePrivateFile } from '../../src/platform/db/embedded-place.ts'
import { runProgram } from '../../src/platform/db/embedded-postmaster.ts'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { runSql } from '../support/sql.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'

const DEBIAN_15 = '/usr/lib/postgresql/15/bin'
const PASSWORD = 'for-tests-only'

/** PostgreSQL 15 with its `pg_dump`, where Debian's packages are. */
export const hasDebian15 = (): boolean => existsSync(join(DEBIAN_15, 'pg_dump'))

/** A whole PostgreSQL of a test's own, to be crashed, copied and replaced. What was committed survives all of that. */
export class Cluster {
  readonly #bin: string
  readonly #dir: string
  readonly #account: Account | undefined
  port = 0

  private constructor(bin: string, dir: string, account: Account | undefined) {
    this.#bin = bin
    this.#dir = dir
    this.#account = account
  }

  static async create(version: 'debian-15' | 'embedded'): Promise<Cluster> {
    const dir = openTemporaryFolder('cadre-test-cluster-')
    const account = accountFor(join(dir, 'data'))
    const bin =
      version === 'debian-15'
        ? DEBIAN_15
        : join(prepareBinaries(findPackagedBinaries(), account, () => dir).home, 'bin')
    const cluster = new Cluster(bin, dir, account)
    createPrivateFolder(cluster.dataDir, account)
    const passwordFile = join(dir, 'password')
    writePrivateFile(passwordFile, PASSWORD, account)
    const login = ['-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`]
    await cluster.#run('initdb', ['-D', cluster.dataDir, ...login, '--no-sync', '--encoding=UTF8', '--locale=C'])
    return cluster
  }

  get dataDir(): string {
    return join(this.#dir, 'data')
  }

  /** The superuser's URL. */
  url(database = 'postgres'): string {
    return `postgresql://postgres:${PASSWORD}@127.0.0.1:${this.port}/${database}`
  }

  /** Starts it and returns when it accepts connections; on `port`, or the one it had, or a free one. */
  async start(port?: number): Promise<void> {
    this.port = port ?? (this.port === 0 ? await findFreePort() : this.port)
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${this.port}`,
      'unix_socket_directories=',
      // What a process wrote survives its crash in the kernel's memory; only a power cut needs more.
      'fsync=off',
    ]
    const log = join(this.dataDir, 'server.log')
    const flags = settings.map((setting) => `-c ${setting}`).join(' ')
    await this.#run('pg_ctl', ['start', '-D', this.dataDir, '-l', log, '-w', '-o', flags])
  }

  /** `immediate` is a crash: no process says good-bye, and the next start recovers. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#run('pg_ctl', ['stop', '-D', this.dataDir, '-m', mode, '-w'])
  }

  /** Lets a standby become a primary: a new timeline begins. */
  async promote(): Promise<void> {
    await this.#run('pg_ctl', ['promote', '-D', this.dataDir, '-w'])
  }

  /** Copies the files of a stopped cluster into a new one: the backup of a disk. */
  async copy(): Promise<Cluster> {
    const copy = new Cluster(this.#bin, openTemporaryFolder('cadre-test-cluster-'), this.#account)
    createPrivateFolder(copy.dataDir, this.#account)
    // As PostgreSQL's user, so that the files are its own.
    const { exitCode, output } = await runProgram('/bin/cp', ['-a', `${this.dataDir}/.`, copy.dataDir], this.#account)
    if (exitCode !== 0) throw new Error(`the files could not be copied: ${output}`)
    return copy
  }

  /** `pg_dump` of a database here, put into a database there by `psql`. */
  async dumpInto(database: string, target: Cluster, targetDatabase = database): Promise<void> {
    const file = join(this.dataDir, 'dump.sql')
    await this.#run('pg_dump', ['-d', this.url(database), '-f', file])
    await this.#run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', target.url(targetDatabase), '-f', file])
  }

  async createDatabase(name: string): Promise<void> {
    await runSql(this.url(), `create database ${name}`)
  }

  async remove(): Promise<void> {
    if (existsSync(join(this.dataDir, 'postmaster.pid'))) await this.stop()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #run(program: string, args: string[]): Promise<void> {
    const { exitCode, output } = await runProgram(join(this.#bin, program), args, this.#account)
    if (exitCode !== 0) throw new Error(`${program} failed: ${output}`)
  }
}
