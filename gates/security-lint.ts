import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Finding } from './finding.ts'

const OXLINT = fileURLToPath(new URL('../node_modules/oxlint/bin/oxlint', import.meta.url))
const RULES = fileURLToPath(new URL('./security.oxlintrc.json', import.meta.url))

interface Report {
  readonly number_of_files: number
  readonly diagnostics: readonly {
    readonly code?: string
    readonly message: string
    readonly filename: string
    readonly labels: readonly { readonly span: { readonly line: number } }[]
  }[]
}

/** Runs the security rules over sources; tests are not the product, and hold hostile input on purpose. */
export function lintSecurity(...paths: string[]): { readonly checked: number; readonly findings: Finding[] } {
  const args = [OXLINT, '--config', RULES, '--format', 'json', '--ignore-pattern', '**/*.test.ts', ...paths]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (!stdout.startsWith('{')) throw new Error(`oxlint did not run: ${stdout}${stderr}`)
  const { number_of_files: checked, diagnostics } = JSON.parse(stdout) as Report
  const findings = diagnostics.map(
    ({ code, message, filename, labels }): Finding => ({
      gate: 'security-lint',
      rule: code ?? 'syntax',
      where: filename,
      message: `line ${labels[0]?.span.line}: ${message}`,
    }),
  )
  return { checked, findings }
}
