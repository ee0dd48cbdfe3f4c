import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { type Program, Terminal } from './terminal.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const READY_WITHIN_MS = 60_000

/**
 * Somebody who has just cloned the repository: a fresh clone, a fresh home, nothing set. What a page says is run as it is
 * written; only the environment differs: PORT is a free one, and curl finds it where the page says `localhost:4000`.
 */
export class Newcomer {
  readonly terminal: Terminal
  readonly folder: string
  readonly port: number
  readonly #root: string

  private constructor(root: string, port: number) {
    this.#root = root
    this.port = port
    this.folder = join(root, 'cadre')
    const home = join(root, 'home')
    mkdirSync(home)
    writeFileSync(join(home, '.curlrc'), `connect-to = "localhost:4000:127.0.0.1:${port}"\n`)
    this.terminal = new Terminal(this.folder, {
      HOME: home,
      PATH: process.env.PATH ?? '',
      LANG: 'C.UTF-8',
      PORT: String(port),
      // As on a terminal: people read it, and so do these tests.
      LOG_FORMAT: 'pretty',
      ...(process.env.npm_config_cache === undefined ? {} : { npm_config_cache: process.env.npm_config_cache }),
    })
  }

  static async arrive(): Promise<Newcomer> {
    const root = openTemporaryFolder('cadre-first-hour-')
    const newcomer = new Newcomer(root, await findFreePort())
    const { status, stderr } = spawnSync('git', ['clone', '--quiet', REPOSITORY, newcomer.folder], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the repository could not be cloned: ${stderr}`)
    chmodSync(newcomer.folder, 0o755)
    return newcomer
  }

  get url(): string {
    return `http://localhost:${this.port}`
  }

  get key(): string {
    return readFileSync(join(this.folder, '.cadre', 'demo-key'), 'utf8').trim()
  }

  /** Types a command that serves, and returns when it is ready, with how long that took. */
  async serve(command: string, env: Readonly<Record<string, string>> = {}): Promise<{ program: Program; ms: number }> {
    const begun = performance.now()
    const program = this.terminal.open(command, env)
    let giveUpAt: number | undefined
    for (;;) {
      if (!program.isRunning) throw new Error(`\`${command}\` ended:\n${program.output}`)
      if (await isReady(this.url)) return { program, ms: performance.now() - begun }
      // An installation takes as long as its network; only what comes after it is bounded.
      if (program.output.includes('Cadre')) giveUpAt ??= performance.now() + READY_WITHIN_MS
      if (giveUpAt !== undefined && performance.now() > giveUpAt) throw new Error(`not ready:\n${program.output}`)
      await sleep(25)
    }
  }

  async leave(): Promise<void> {
    await this.terminal.close()
    rmSync(this.#root, { recursive: true, force: true })
  }
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  )
