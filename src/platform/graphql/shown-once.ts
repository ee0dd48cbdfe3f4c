// Secrets in answers: shown once, and never stored.
//
// A verb that makes one hands it over beside its outcome (`ShownOnce`). The outcome is stored for repetitions and the
// secret is not: it is kept in this process for as long as the answer is being made, tied to the very outcome of the
// transaction that committed. A repetition has an outcome and no secret, and says so.

import type { ObjectFieldsShape } from '@pothos/core'
import type { Types } from './builder.ts'

/** What a verb hands back whose answer holds a secret. */
export class ShownOnce<Outcome> {
  readonly outcome: Outcome
  readonly secret: string

  constructor(outcome: Outcome, secret: string) {
    this.outcome = outcome
    this.secret = secret
  }
}

const secrets = new WeakMap<object, string>()

/** The secret of an outcome in the answer that is being made; undefined in every other. */
export const secretOf = (outcome: object): string | undefined => secrets.get(outcome)

export function rememberSecret(outcome: object, secret: string): void {
  secrets.set(outcome, secret)
}

/** The payload's fields for it. */
export const secretFields = <Result extends object>(
  t: Parameters<ObjectFieldsShape<Types, Result>>[0],
  description: string,
) => ({
  secret: t.string({
    nullable: true,
    description: `${description} Shown this once, and null when \`replayed\`.`,
    resolve: (outcome) => secrets.get(outcome as object) ?? null,
  }),
  replayed: t.boolean({
    description: 'Whether this repeats the answer to an earlier request with the same idempotency key.',
    resolve: (outcome) => !secrets.has(outcome as object),
  }),
})
