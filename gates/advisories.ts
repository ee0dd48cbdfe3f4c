import { spawnSync } from 'node:child_process'
import type { Finding } from './finding.ts'

interface Report {
  readonly message?: string
  readonly vulnerabilities?: Readonly<
    Record<string, { readonly via: readonly (string | { url: string; title: string; severity: string })[] }>
  >
}

/** Known advisories of what runs in production, or why the registry could not be asked. */
export type Advisories = { readonly findings: Finding[] } | { readonly unreachable: string }

export function askAdvisories(): Advisories {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' })
  return readAdvisories(stdout)
}

/** Reads `npm audit --json`. A package that is only affected through another one is not told twice. */
export function readAdvisories(json: string): Advisories {
  const report = JSON.parse(json) as Report
  const { vulnerabilities } = report
  if (vulnerabilities === undefined) return { unreachable: report.message ?? 'the registry gave no reason' }
  const findings = Object.entries(vulnerabilities).flatMap(([name, { via }]) =>
    via.flatMap((cause): Finding[] => {
      if (typeof cause === 'string') return []
      const rule = new URL(cause.url).pathname.split('/').at(-1) ?? cause.url
      return [{ gate: 'advisories', rule, where: name, message: `${cause.severity}: ${cause.title}` }]
    }),
  )
  return { findings }
}
