import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { type Program, Terminal } from './terminal.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const NO_NETWORK = fileURLToPath(new URL('no-network.cjs', import.meta.url))
/** Where nothing listens. */
const NOWHERE = 'http://127.0.0.1:9'
const READY_WITHIN_MS = 60_000

/**
 * Somebody who has just cloned the repository: a fresh clone, a fresh home, nothing set. What a page says is run as it is
 * written; only the environment differs: PORT is a free one, curl finds it where the page says `localhost:4000`, and neither
 * Node nor curl has a network but this machine, once `npm ci` is through.
 */
export class Newcomer {
  readonly terminal: Terminal
  readonly folder: string
  readonly temporary: string
  readonly port: number
  readonly #root: string
  readonly #attempts: string

  private constructor(root: string, port: number) {
    this.#root = root
    this.#attempts = join(root, 'network-attempts')
    this.port = port
    this.folder = join(root, 'cadre')
    this.temporary = join(root, 'tmp')
    mkdirSync(this.temporary)
    chmodSync(this.temporary, 0o1777)
    const home = join(root, 'home')
    mkdirSync(home)
    const curl = [
      `connect-to = "localhost:4000:127.0.0.1:${port}"`,
      `proxy = "${NOWHERE}"`,
      'noproxy = "localhost,127.0.0.1"',
    ]
    writeFileSync(join(home, '.curlrc'), `${curl.join('\n')}\n`)
    this.terminal = new Terminal(this.folder, {
      HOME: home,
      TMPDIR: this.temporary,
      PATH: process.env.PATH ?? '',
      LANG: 'C.UTF-8',
      PORT: String(port),
      // As on a terminal: people read it, and so do these tests.
      LOG_FORMAT: 'pretty',
      NODE_OPTIONS: `--require "${NO_NETWORK}"`,
      NETWORK_ATTEMPTS: this.#attempts,
      // Now and then npm asks whether there is a newer npm.
      npm_config_update_notifier: 'false',
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

  /** What the newcomer's programs wanted of a network beyond this machine, and did not get. */
  get networkAttempts(): string[] {
    if (!existsSync(this.#attempts)) return []
    return readFileSync(this.#attempts, 'utf8').trimEnd().split('\n')
  }

  /** An empty folder beside the clone. */
  openFolder(): string {
    const folder = mkdtempSync(join(this.temporary, 'folder-'))
    chmodSync(folder, 0o755)
    return folder
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
