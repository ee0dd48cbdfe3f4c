import { z } from 'zod'
import { isCurrency } from '../../platform/lib/currency.ts'
import { type MoneyValue, parseMicros } from '../../platform/lib/money.ts'
import { publicId } from '../../platform/lib/parse.ts'
import { ownerId } from '../contacts/model.ts'

/*
 * A deal: a possible sale, on its way through the stages of one pipeline.
 *
 * It stands in exactly one stage. In an OPEN stage it is open. A WON stage takes it with an amount, a LOST stage with a
 * reason; there it is closed, and only reopening leads back to an OPEN stage.
 */

export const STAGE_KINDS = ['OPEN', 'WON', 'LOST'] as const
export type StageKind = (typeof STAGE_KINDS)[number]

/** Why a move between two stages is refused; undefined when it is fine. */
export type MoveRefusal = 'CLOSED' | 'OTHER_PIPELINE' | 'NEEDS_AMOUNT' | 'NEEDS_REASON' | 'REASON_WITHOUT_LOSS'

export interface MoveFacts {
  readonly from: { readonly pipelineId: string; readonly kind: StageKind }
  readonly to: { readonly pipelineId: string; readonly kind: StageKind }
  readonly hasAmount: boolean
  readonly lostReason: string | undefined
}

/** Whether a deal may go from one stage to another. */
export function refusalOfMove({ from, to, hasAmount, lostReason }: MoveFacts): MoveRefusal | undefined {
  if (from.kind !== 'OPEN') return 'CLOSED'
  if (to.pipelineId !== from.pipelineId) return 'OTHER_PIPELINE'
  if (to.kind === 'WON' && !hasAmount) return 'NEEDS_AMOUNT'
  if (to.kind === 'LOST' && lostReason === undefined) return 'NEEDS_REASON'
  if (to.kind !== 'LOST' && lostReason !== undefined) return 'REASON_WITHOUT_LOSS'
  return undefined
}

const DAY_MS = 86_400_000

/** Full days since the deal came to its stage. */
export const daysInStage = (stageChangedAt: Date, now: Date): number =>
  Math.max(0, Math.floor((now.getTime() - stageChangedAt.getTime()) / DAY_MS))

const dealId = publicId('deal', 'Deal')
const stageId = publicId('stage', 'Stage')
const contactId = publicId('contact', 'Contact')

const ifVersion = z.int().nullish()
const name = z.string().trim().min(2).max(255)
const lostReason = z.string().trim().min(1).max(500)
const nextStep = z.string().trim().min(1).max(500)

const currencyCode = z.string().refine(isCurrency, 'This is no currency of ISO 4217, as EUR is.')

/** What a caller says of an amount; without a currency it is in the workspace's. */
export interface GivenAmount {
  readonly micros: bigint
  readonly currency: string | undefined
}

/** `{ amount: "18000.50", currency: "EUR" }`, checked. */
export const givenAmount = z
  .object({ amount: z.string(), currency: currencyCode.nullish() })
  .transform(({ amount, currency }, ctx): GivenAmount => {
    const micros = parseMicros(amount)
    if (micros === undefined) {
      ctx.addIssue({
        code: 'invalid_format',
        format: 'decimal',
        path: ['amount'],
        message: 'Write an amount as a decimal number with at most six places.',
        input: amount,
      })
      return z.NEVER
    }
    if (micros < 0n) {
      ctx.addIssue({
        code: 'too_small',
        origin: 'bigint',
        minimum: 0n,
        inclusive: true,
        path: ['amount'],
        message: 'An amount is not negative.',
        input: micros,
      })
      return z.NEVER
    }
    return { micros, currency: currency ?? undefined }
  })

export const createDealInput = z.object({
  id: dealId.nullish(),
  name,
  stage: stageId,
  amount: givenAmount.nullish(),
  submission: publicId('submission').nullish(),
  contact: contactId.nullish(),
  owner: ownerId.nullish(),
  expectedCloseOn: z.date().nullish(),
  nextStep: nextStep.nullish(),
})
export type CreateDealInput = z.output<typeof createDealInput>

/** Left out means unchanged, null means cleared. */
export const updateDealInput = z.object({
  id: dealId,
  ifVersion,
  name: name.optional(),
  amount: givenAmount.nullish(),
  contact: contactId.nullish(),
  owner: ownerId.nullish(),
  expectedCloseOn: z.date().nullish(),
  nextStep: nextStep.nullish(),
})
export type UpdateDealInput = z.output<typeof updateDealInput>

export const moveDealInput = z.object({ id: dealId, ifVersion, stage: stageId, lostReason: lostReason.nullish() })
export type MoveDealInput = z.output<typeof moveDealInput>

export const reopenDealInput = z.object({ id: dealId, ifVersion, stage: stageId.nullish() })
export type ReopenDealInput = z.output<typeof reopenDealInput>

/** A new pipeline with its stages, in the order of the columns. */
export const createPipelineInput = z.object({
  name,
  stages: z
    .array(
      z.object({
        name: z.string().trim().min(1).max(255),
        kind: z.enum(STAGE_KINDS),
        probability: z.number().min(0).max(1),
      }),
    )
    .min(1)
    .max(30)
    .refine((stages) => stages.some((stage) => stage.kind === 'OPEN'), 'A pipeline needs a stage that is OPEN.'),
})
export type CreatePipelineInput = z.output<typeof createPipelineInput>

/** An amount as the two columns keep it. */
export const amountColumns = (amount: MoneyValue | null) => ({
  amountMicros: amount?.micros ?? null,
  currency: amount?.currency ?? null,
})

/** What events keep of an amount; JSON knows no bigint. */
export const amountData = (amount: MoneyValue | null) =>
  amount === null ? {} : { amountMicros: String(amount.micros), currency: amount.currency }
