import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { lintSource } from '@secretlint/core'
import { creator } from '@secretlint/secretlint-rule-preset-recommend'
import type { Finding } from './finding.ts'

const BINARY = new Set(['.png', '.ico', '.woff2', '.tgz'])

/** Looks for credentials in files, by the rules that secretlint recommends. */
export async function findSecrets(files: readonly string[]): Promise<{ checked: number; findings: Finding[] }> {
  const read = files.filter((file) => !BINARY.has(extname(file)))
  const findings: Finding[] = []
  for (const file of read) {
    const { messages } = await lintSource({
      source: { filePath: file, content: readFileSync(file, 'utf8'), contentType: 'text', ext: extname(file) },
      options: {
        config: { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] },
        maskSecrets: true,
        noPhysicFilePath: true,
      },
    })
    for (const { ruleId, message, loc } of messages) {
      const rule = ruleId.replace('@secretlint/secretlint-rule-', '')
      findings.push({ gate: 'secrets', rule, where: file, message: `line ${loc.start.line}: ${message}` })
    }
  }
  return { checked: read.length, findings }
}
