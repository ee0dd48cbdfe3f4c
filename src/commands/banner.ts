import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { App } from '../app.ts'
import { packageRoot } from '../platform/db/package-root.ts'

/** What `npm start` tells a person at a terminal; silent where the log goes to a program. */
export class Banner {
  readonly #out: NodeJS.WriteStream
  readonly #shown: boolean
  readonly #begun = performance.now()
  #stepBegun = performance.now()

  constructor(out: NodeJS.WriteStream, shown: boolean) {
    this.#out = out
    this.#shown = shown
  }

  open(production: boolean): void {
    const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }
    this.#line(
      `\n  ${`Cadre ${version}`.padEnd(52)}${production ? 'production' : 'development'} · Node ${process.versions.node}\n`,
    )
  }

  /** One thing that is done, with the time since the one before. */
  step(what: string, detail: string): void {
    const now = performance.now()
    this.#line(`  ✔ ${what.padEnd(30)}  ${detail.padEnd(36)}  ${seconds(now - this.#stepBegun)}`)
    this.#stepBegun = now
  }

  serving(app: App, demo: { readonly formPath: string | null; readonly keyFile: string | null }): void {
    this.step('Serving, and working runs', `in this process, ${seconds(performance.now() - this.#begun)} in all`)
    const row = (label: string, text: string) => this.#line(`  ${label.padEnd(12)}  ${text}`)
    this.#line('')
    row('GraphiQL', `${app.url}/graphql${demo.keyFile === null ? '' : '          signed in with the demo key'}`)
    if (demo.formPath !== null) row('The form', `${app.url}${demo.formPath}`)
    if (demo.keyFile !== null) row('Demo key', relative('.', demo.keyFile))
    this.#line('')
    if (app.mode === 'rehearsal') {
      this.#line(
        '  Model: rehearsal. Employees work by rules; no model is asked, and nothing costs. Mail becomes files,',
      )
      this.#line('         unless SMTP_URL is set. ANTHROPIC_API_KEY=… npm start runs the same on Claude, $1.00 a day.')
    } else {
      this.#line('  Model: live. The demo workspace spends $1.00 a day at most.')
    }
    if (demo.formPath !== null) {
      this.#line('\n  Next: npm run demo, in another terminal, sends 25 leads and shows the employees at work')
    }
    this.#line('  Ctrl-C stops. Your data stays for the next start.\n')
  }

  stopping(): void {
    this.#line('\n  Finishing what is under way …')
  }

  stopped(unfinished: number): void {
    this.#line(unfinished === 0 ? '  Stopped.' : `  Stopped. ${unfinished} runs go on at the next start.`)
  }

  #line(text: string): void {
    if (this.#shown) this.#out.write(`${text}\n`)
  }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
