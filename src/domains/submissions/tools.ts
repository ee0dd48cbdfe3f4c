import { z } from 'zod'
import { decodeId, encodeId } from '../../platform/lib/ids.ts'
import { internalTool, type Tool } from '../../platform/tools/tool.ts'
import { submissionNames } from './loaders.ts'
import { qualifySubmission } from './service.ts'

const qualifyToolInput = z.object({
  submission: z.string().describe('The id of the submission, submission_….'),
  qualified: z.boolean().describe('Whether it meets the criteria of its form well enough to go on with.'),
  fit: z.number().min(0).max(1).describe('How well it meets them, from 0 (not at all) to 1 (fully).'),
  reasons: z
    .array(z.string().trim().min(1).max(500))
    .max(20)
    .describe('Why, one sentence for each criterion, resting on what the answers say.'),
})
type QualifyToolInput = z.output<typeof qualifyToolInput>

const qualifySubmissionTool = internalTool<QualifyToolInput>({
  name: 'qualify_submission',
  description:
    "Records whether a submission meets its form's criteria, how well, and why. A contact who was only a lead becomes " +
    'qualified with it.',
  input: qualifyToolInput,
  risk: 'INTERNAL_WRITE',
  reversible: true,
  title: async (tx, input) => {
    const id = decodeId('submission', input.submission, 'Submission')
    const name = (await submissionNames(tx.sql, [id])).get(id) ?? input.submission
    return `${input.qualified ? 'Qualify' : 'Turn down'} ${name}: fit ${input.fit.toFixed(2)}`
  },
  run: async (tx, input) => {
    const submission = decodeId('submission', input.submission, 'Submission')
    const { id } = await qualifySubmission(tx, { ...input, submission })
    return { output: { submission: encodeId('submission', id), qualified: input.qualified, fit: input.fit } }
  },
})

export const submissionTools: readonly Tool[] = [qualifySubmissionTool]
