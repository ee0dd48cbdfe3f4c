import { z } from 'zod'
import type { Finding } from './finding.ts'

const exception = z.strictObject({
  gate: z.enum(['advisories', 'lock-file', 'secrets', 'security-lint']),
  rule: z.string().min(1),
  where: z.string().min(1),
  reason: z.string().min(20, 'A reason is a sentence.'),
  /** The last day on which it holds. */
  until: z.iso.date(),
})
export type Exception = z.infer<typeof exception>

/** Reads what cannot be mended for now. Throws on an entry without its reason and its date. */
export const readExceptions = (json: string): Exception[] => z.array(exception).parse(JSON.parse(json))

export interface Verdict {
  /** Nobody answers for these. */
  readonly open: readonly Finding[]
  readonly excused: readonly Finding[]
  /** Their day has passed: they excuse nothing, and are to be looked at again. */
  readonly expired: readonly Exception[]
  /** What they excused is gone: they are to be removed. */
  readonly unused: readonly Exception[]
}

/** Weighs findings against the exceptions on a day (YYYY-MM-DD). `asked` names the gates that gave an answer. */
export function weigh(
  findings: readonly Finding[],
  exceptions: readonly Exception[],
  { today, asked }: { readonly today: string; readonly asked: ReadonlySet<Finding['gate']> },
): Verdict {
  const fits = (finding: Finding, { gate, rule, where }: Exception) =>
    finding.gate === gate && finding.rule === rule && finding.where === where
  const current = exceptions.filter(({ until }) => until >= today)
  const isExcused = (finding: Finding) => current.some((each) => fits(finding, each))
  return {
    open: findings.filter((finding) => !isExcused(finding)),
    excused: findings.filter(isExcused),
    expired: exceptions.filter(({ until }) => until < today),
    unused: current.filter((each) => asked.has(each.gate) && !findings.some((finding) => fits(finding, each))),
  }
}
