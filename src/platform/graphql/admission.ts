// How an operation gets in, the same way for HTTP, WebSocket and SSE: its document is found, it is prepared, and its cost
// is taken from the budget of whoever asks, before anything of it is executed.
//
// An operation costs at least 1; one that is refused costs 1 for each 100 characters that had to be read. A stream is paid
// like a query when it begins, and again every minute for as long as it is open, however much it tells. One that can no
// longer be paid ends with LIMIT_EXCEEDED; its client comes back with its cursor when there is a new budget.
//
// `extensions.cost` stands in every answer, and of a stream in its first and in the one that ends it for want of budget:
// all others are the same for everybody who watches the same.

import type { ExecutionResult, GraphQLError } from 'graphql'
import type { Balance, CostBudgets, Payment } from '../auth/cost-budgets.ts'
import { type Payer, payerOf } from '../auth/payer.ts'
import type { Viewer } from '../auth/viewer.ts'
import type { ContextFactory, Engine, OperationParameters, Prepared, Refused } from './engine.ts'
import { tooMuch } from './limits.ts'
import { paidByTheMinute } from './paid-stream.ts'
import type { TrustedDocuments } from './trusted-documents.ts'

export interface AdmissionOptions {
  readonly engine: Engine
  readonly budgets: CostBudgets
  readonly documents: TrustedDocuments
  /** Told the codes of what is refused here and not by the engine. */
  readonly onRefused?: ((codes: readonly string[]) => void) | undefined
}

/** Who asks, and from where. */
export interface Asker {
  readonly viewer: Viewer
  readonly address: string | undefined
}

/** An operation that is prepared and paid. */
export interface Admitted {
  readonly prepared: Prepared
  execute(makeContext: ContextFactory): Promise<ExecutionResult>
  subscribe(makeContext: ContextFactory): Promise<AsyncGenerator<ExecutionResult> | ExecutionResult>
}

export interface Admission {
  /** `refuse` may say why this transport does not carry a prepared operation: it is not paid then. */
  admit(
    asker: Asker,
    parameters: OperationParameters,
    refuse?: (prepared: Prepared) => GraphQLError | undefined,
  ): Promise<Admitted | ExecutionResult>
}

/** What stands in `extensions.cost`. Without a balance (the server's own work) there is no limit to tell of. */
interface Cost extends Partial<Balance> {
  readonly requested: number
}

const CHARACTERS_PER_COST = 100

export function createAdmission({ engine, budgets, documents, onRefused }: AdmissionOptions): Admission {
  const refusal = (errors: readonly GraphQLError[], cost: Cost): ExecutionResult => ({
    errors: [...errors],
    extensions: { cost },
  })
  const notPaid = (payer: Payer, requested: number, payment: Payment): ExecutionResult => {
    onRefused?.(['LIMIT_EXCEEDED'])
    return refusal([spent(payer, requested, payment)], { requested, ...payment.balance })
  }

  return {
    admit: async ({ viewer, address }, parameters, refuse) => {
      const payer = payerOf(viewer, address)
      const exhausted = payer === undefined ? undefined : budgets.exhausted(payer)
      if (payer !== undefined && exhausted !== undefined) return notPaid(payer, 0, exhausted)

      const found = documents.find(parameters)
      const prepared: Prepared | Refused = 'errors' in found ? found : engine.prepare({ ...parameters, ...found })
      const reading = readingOf('errors' in found ? parameters.query : found.query)
      const wrong = 'errors' in prepared ? prepared : errorsOf(refuse?.(prepared))
      if (wrong !== undefined) {
        if ('errors' in found || !('errors' in prepared)) onRefused?.(codesOf(wrong.errors))
        if (payer === undefined) return refusal(wrong.errors, { requested: wrong.cost ?? reading })
        const payment = await budgets.take(payer, reading, reading)
        if (!payment.paid) return notPaid(payer, reading, payment)
        return refusal(wrong.errors, { requested: wrong.cost ?? reading, ...payment.balance })
      }

      const admitted = prepared as Prepared
      const requested = Math.max(1, admitted.cost)
      if (payer === undefined) return admittedFor(engine, admitted, { requested }, undefined, budgets.rentEveryMs)
      const pay = async (): Promise<ExecutionResult | Cost> => {
        const payment = await budgets.take(payer, requested, Math.min(requested, reading))
        return payment.paid ? { requested, ...payment.balance } : notPaid(payer, requested, payment)
      }
      const paid = await pay()
      if (!('requested' in paid)) return paid
      const payAgain = async (): Promise<ExecutionResult | undefined> => {
        const again = await pay()
        return 'requested' in again ? undefined : again
      }
      return admittedFor(engine, admitted, paid, payAgain, budgets.rentEveryMs)
    },
  }
}

function admittedFor(
  engine: Engine,
  prepared: Prepared,
  cost: Cost,
  payAgain: (() => Promise<ExecutionResult | undefined>) | undefined,
  everyMs: number,
): Admitted {
  const withCost = (answer: ExecutionResult): ExecutionResult => ({
    ...answer,
    extensions: { ...answer.extensions, cost },
  })
  return {
    prepared,
    execute: async (makeContext) => withCost(await engine.execute(prepared, makeContext)),
    subscribe: async (makeContext) => {
      const answers = await engine.subscribe(prepared, makeContext)
      if (!(Symbol.asyncIterator in answers)) return withCost(answers)
      return paidByTheMinute(answers, { first: withCost, payAgain, everyMs })
    },
  }
}

const readingOf = (query: string | null | undefined): number =>
  Math.max(1, Math.ceil((query?.length ?? 0) / CHARACTERS_PER_COST))

const errorsOf = (err: GraphQLError | undefined): Refused | undefined =>
  err === undefined ? undefined : { errors: [err] }

const codesOf = (errors: readonly GraphQLError[]): string[] => errors.map(({ extensions }) => String(extensions.code))

function spent({ anonymous }: Payer, requested: number, { balance, retryAfterMs }: Payment): GraphQLError {
  const whose = anonymous ? 'Without a key, an address' : 'A credential'
  const seconds = Math.ceil(retryAfterMs / 1_000)
  if (requested > balance.limit) {
    return tooMuch(
      'COST',
      `This operation costs ${requested}, and ${whose.toLowerCase()} has ${balance.limit} a minute.`,
    )
  }
  const message = `${whose} has ${balance.limit} a minute for what operations cost. Try again in ${seconds} s.`
  return tooMuch('COST_PER_MINUTE', message, retryAfterMs)
}

/** Whether an operation got in, or is answered already. */
export const isAdmitted = (result: Admitted | ExecutionResult): result is Admitted => 'prepared' in result
