import { z } from 'zod'
import { isCurrency } from '../../platform/lib/currency.ts'
import { decodeId, encodeId } from '../../platform/lib/ids.ts'
import { moneyText } from '../../platform/lib/money.ts'
import { internalTool, type Tool } from '../../platform/tools/tool.ts'
import type { GivenAmount } from './model.ts'
import { openDealForSubmission } from './service.ts'

/** Numbers beyond it lose their cents in a double. */
const MAX_AMOUNT = 1_000_000_000

const openDealToolInput = z.object({
  submission: z.string().describe('The id of the submission it comes of, submission_….'),
  contact: z.string().optional().describe("The id of the contact, contact_…; the submission's contact unless given."),
  name: z.string().trim().min(2).max(255).describe('What people will call the deal, e.g. the company.'),
  amount: z.number().min(0).max(MAX_AMOUNT).optional().describe('What it is worth, if that was said, in whole units.'),
  currency: z
    .string()
    .refine(isCurrency, 'This is no currency of ISO 4217, as EUR is.')
    .optional()
    .describe("ISO 4217 code of the amount's currency; the workspace's unless given."),
  stage: z
    .string()
    .optional()
    .describe("The id of an OPEN stage, stage_…; the first one of the form's pipeline unless given."),
})
type OpenDealToolInput = z.output<typeof openDealToolInput>

const openDealTool = internalTool<OpenDealToolInput>({
  name: 'open_deal',
  description:
    'Opens the deal of a submission. A submission has one deal at most: when it is there already, it is given back unchanged.',
  input: openDealToolInput,
  risk: 'INTERNAL_WRITE',
  reversible: true,
  title: async (_tx, { name, amount, currency }) => {
    const worth =
      amount === undefined || currency === undefined ? '' : ` · ${moneyText({ micros: microsOf(amount), currency })}`
    return `Open deal ${name}${worth}`
  },
  run: async (tx, input) => {
    const opened = await openDealForSubmission(tx, {
      submissionId: decodeId('submission', input.submission, 'Submission'),
      name: input.name,
      amount: amountOf(input),
      contactId: input.contact === undefined ? undefined : decodeId('contact', input.contact, 'Contact'),
      stageId: input.stage === undefined ? undefined : decodeId('stage', input.stage, 'Stage'),
      owner: tx.viewer.kind === 'employee' ? { employeeId: tx.viewer.employeeId } : undefined,
    })
    return {
      output: {
        deal: encodeId('deal', opened.id),
        stage: { id: encodeId('stage', opened.stageId), name: opened.stageName },
        created: opened.created,
      },
    }
  },
})

function amountOf({ amount, currency }: OpenDealToolInput): GivenAmount | undefined {
  return amount === undefined ? undefined : { micros: microsOf(amount), currency }
}

const microsOf = (amount: number): bigint => BigInt(Math.round(amount * 1_000_000))

export const dealTools: readonly Tool[] = [openDealTool]
