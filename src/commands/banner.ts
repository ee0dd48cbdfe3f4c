import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../platform/db/package-root.ts'
import { counted, seconds, shortPath } from './terminal-text.ts'

/** What the banner says of a server that has come up. */
export interface Serving {
  readonly url: string
  readonly mode: 'live' | 'rehearsal'
  /** The demo workspace, where there is one. */
  readonly demo: {
    readonly formPath: string
    readonly keyFile: string
    /** Whether GraphiQL carries the key. */
    readonly signedIn: boolean
    /** What its model calls may cost a day, in micro-dollars; null is no limit. */
    readonly dailyBudgetMicros: bigint | null
  } | null
  /** GraphiQL is there. */
  readonly graphiql: boolean
  /** The start page and the reference are there. */
  readonly development: boolean
  /** Mail leaves the house. */
  readonly sendsMail: boolean
  /** The folder that holds the data; null for a PostgreSQL of somebody's own. */
  readonly dataDir: string | null
}

/** What `npm start` tells a person at a terminal; silent where the log goes to a program. */
export class Banner {
  readonly #out: NodeJS.WriteStream
  readonly #shown: boolean
  #stepBegun = performance.now()

  constructor(out: NodeJS.WriteStream, shown: boolean) {
    this.#out = out
    this.#shown = shown
    // Whoever reads may leave before we do; the server goes on.
    if (shown) out.on('error', () => {})
  }

  get shown(): boolean {
    return this.#shown
  }

  open(production: boolean): void {
    const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }
    const where = `${production ? 'production' : 'development'} · Node ${process.versions.node}`
    this.#line(`\n  ${`Cadre ${version}`.padEnd(78 - where.length)}${where}\n`)
  }

  /** What is done from here on belongs to the next step. */
  begin(): void {
    this.#stepBegun = performance.now()
  }

  /** One thing that is done, with the time since the one before. */
  step(what: string, detail: string): void {
    const now = performance.now()
    this.#step(what, detail, seconds(now - this.#stepBegun))
    this.#stepBegun = now
  }

  /** The last step, with the time since the process began, and where to go now. */
  serving({ url, mode, demo, development, graphiql, sendsMail, dataDir }: Serving): void {
    this.#step('Serving, and working runs in the same process', '', `${seconds(performance.now())} in all`)
    const row = (label: string, address: string, note = '') =>
      this.#line(`  ${label.padEnd(12)}  ${note === '' ? address : `${address.padEnd(37)}  ${note}`}`)
    this.#line('')
    if (development) row('Start here', url)
    if (graphiql) {
      row('GraphiQL', `${url}/graphql`, demo?.signedIn === true ? 'signed in with the demo key' : '')
    } else {
      row('The API', `${url}/graphql`)
    }
    if (demo !== null) row('The form', `${url}${demo.formPath}`)
    if (development) row('Reference', `${url}/docs`)
    if (demo !== null) row('Demo key', shortPath(demo.keyFile))
    this.#line(`\n${modelText(mode, sendsMail, demo?.dailyBudgetMicros)}\n`)
    if (demo !== null) this.#line('  Next: npm run demo        sends 25 leads and shows the employees at work')
    this.#line(
      dataDir === null
        ? '  Ctrl-C stops. Your data stays in the database.\n'
        : `  Ctrl-C stops. Your data stays in ${shortPath(dataDir)}/ for the next start.\n`,
    )
  }

  /** `steps`: how many are under way. */
  stopping(steps: number): void {
    this.#write(steps === 0 ? '\n  Stopping … ' : `\n  Finishing ${counted(steps, 'step')} … `)
  }

  /** `unfinished`: how many runs go on at the next start; null when the database could not say. */
  stopped(unfinished: number | null): void {
    const rest = unfinished === null || unfinished === 0 ? '' : ` ${goOn(unfinished)} at the next start.`
    this.#line(`stopped.${rest}`)
  }

  stoppedAtOnce(): void {
    this.#line('stopped at once. What was under way goes on at the next start.')
  }

  /** For one who asks to stop before there is anything to stop. */
  stoppingSoon(): void {
    this.#line('  Stopping as soon as the start is through; Ctrl-C again stops at once.')
  }

  #step(what: string, detail: string, time: string): void {
    const width = 76 - time.length
    const row = detail === '' ? what : `${what.padEnd(28)}  ${detail}`
    this.#line(`  ✔ ${row.padEnd(width - 2)}  ${time}`)
  }

  #line(text: string): void {
    this.#write(`${text}\n`)
  }

  #write(text: string): void {
    if (this.#shown) this.#out.write(text)
  }
}

const goOn = (runs: number): string => (runs === 1 ? '1 run goes on' : `${counted(runs, 'run')} go on`)

function modelText(mode: Serving['mode'], sendsMail: boolean, budget: bigint | null | undefined): string {
  const amount = budget === undefined || budget === null ? '' : `$${(Number(budget) / 1_000_000).toFixed(2)} a day`
  if (mode === 'live') {
    const limit =
      budget === undefined ? 'Each workspace has its budget.' : amount === '' ? 'No budget.' : `Budget: ${amount}.`
    return `  Model: live. Employees work with Claude, at your key's cost. ${limit}`
  }
  const sent = sendsMail ? 'mail goes out over SMTP_URL, nothing costs' : 'mail becomes files, nothing costs'
  return [
    `  Model: rehearsal. Employees work by rules; no model is asked, ${sent}.`,
    `         ANTHROPIC_API_KEY=… npm start   runs the same on Claude${amount === '' ? '' : ` (budget: ${amount})`}.`,
  ].join('\n')
}
