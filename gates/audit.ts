// npm run audit: what must hold of the code and its dependencies beyond types and tests. Exit code 1 for whatever is
// neither mended nor excused in gates/exceptions.json. A registry that cannot be asked is said, and decides nothing.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { askAdvisories } from './advisories.ts'
import { readExceptions, weigh } from './exceptions.ts'
import type { Finding } from './finding.ts'
import { checkLockFile } from './lock-file.ts'
import { findSecrets } from './secrets.ts'
import { lintSecurity } from './security-lint.ts'

const EXCEPTIONS = 'gates/exceptions.json'

const findings: Finding[] = []
const asked = new Set<Finding['gate']>()

function tell(gate: Finding['gate'], label: string, found: readonly Finding[], what: string): void {
  asked.add(gate)
  findings.push(...found)
  process.stdout.write(`  ${found.length === 0 ? '✔' : '·'} ${label.padEnd(14)}  ${what}, ${found.length} found\n`)
}

const lock = checkLockFile(readFileSync('package-lock.json', 'utf8'))
tell('lock-file', 'Lock file', lock.findings, `${lock.checked} packages`)

const secrets = await findSecrets(trackedFiles())
tell('secrets', 'Secrets', secrets.findings, `${secrets.checked} files`)

const lint = lintSecurity('src', 'gates')
tell('security-lint', 'Security lint', lint.findings, `${lint.checked} files`)

const advisories = askAdvisories()
if ('unreachable' in advisories) {
  process.stdout.write(`  – Advisories      not asked: ${advisories.unreachable}\n`)
} else {
  tell('advisories', 'Advisories', advisories.findings, 'production dependencies')
}

const exceptions = readExceptions(readFileSync(EXCEPTIONS, 'utf8'))
const { open, excused, expired, unused } = weigh(findings, exceptions, {
  today: new Date().toISOString().slice(0, 10),
  asked,
})
for (const { gate, rule, where, message } of open)
  process.stdout.write(`✖ ${gate} · ${where} · ${rule}\n  ${message}\n`)
for (const { gate, where, until } of expired) {
  process.stdout.write(`✖ ${EXCEPTIONS}: ${gate} · ${where} was excused until ${until}\n  Mend it, or decide anew.\n`)
}
for (const { gate, where, rule } of unused) {
  process.stdout.write(`✖ ${EXCEPTIONS}: ${gate} · ${where} · ${rule} is not found any more\n  Remove the entry.\n`)
}
process.stdout.write(`  ${open.length} open, ${excused.length} excused with a reason and a date\n`)
process.exitCode = open.length + expired.length + unused.length === 0 ? 0 : 1

/** What git tracks, and still is there. */
function trackedFiles(): string[] {
  const { status, stdout, stderr } = spawnSync('git', ['ls-files', '-z'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the secret scan reads what git tracks: ${stderr}`)
  return stdout.split('\0').filter((file) => file !== '' && existsSync(file))
}
