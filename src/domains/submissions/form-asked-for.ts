import type { Kysely } from 'kysely'
import { statement } from '../../platform/db/statement.ts'
import type { Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import { type FormStatus, type HandlerStrategy, limitsOf, type OwnLimits } from '../forms/model.ts'
import { settingsOf } from '../settings/model.ts'

/** Which form is meant, and the id that its submission shall have. */
export interface AskedFor {
  readonly form: { readonly slug: string } | { readonly id: string }
  /** A UUID of the sender's making: sending twice stores once. A new one where it is left out. */
  readonly id?: string | undefined
}

/** A submission that has the id already. */
export interface EarlierSubmission {
  readonly id: string
  readonly formId: string
  readonly formVersion: number
  readonly inputHash: string
}

/** The form as it is now, with what its workspace has set of forms, its handlers' strategy, and the submission that has the id already: one statement. NOT_FOUND. */
export async function getFormAskedFor(tx: Tx, input: AskedFor) {
  const submissionId = input.id ?? null
  const [row] = await ('id' in input.form
    ? tx.run(findFormById, { submissionId, id: input.form.id })
    : tx.run(findFormBySlug, { submissionId, slug: input.form.slug }))
  if (row === undefined || row.publishedVersion === null) {
    throw notFound('Form', 'id' in input.form ? encodeId('form', input.form.id) : input.form.slug)
  }
  const { formLimits, allowedOrigins } = settingsOf(row.settings)
  const earlier: EarlierSubmission | null =
    row.earlierId === null || row.earlierFormId === null || row.earlierVersion === null || row.earlierHash === null
      ? null
      : {
          id: row.earlierId,
          formId: row.earlierFormId,
          formVersion: row.earlierVersion,
          inputHash: row.earlierHash,
        }
  return {
    id: row.id,
    name: row.name,
    status: row.status as FormStatus,
    number: row.publishedVersion,
    limits: limitsOf(row.limits as OwnLimits, formLimits),
    allowedOrigins,
    handlerGroupId: row.handlerGroupId,
    strategy: row.strategy as HandlerStrategy | null,
    earlier,
  }
}

const formAndSubmission = (template: Kysely<Tables>, submissionId: string | null) =>
  template
    .selectFrom('form')
    .innerJoin('workspace', 'workspace.id', 'form.workspaceId')
    .leftJoin('handlerGroup', 'handlerGroup.id', 'form.handlerGroupId')
    .leftJoin('submission', (join) => join.on('submission.id', '=', submissionId))
    .select([
      'form.id',
      'form.name',
      'form.status',
      'form.publishedVersion',
      'form.limits',
      'workspace.settings',
      'form.handlerGroupId',
      'handlerGroup.strategy',
      'submission.id as earlierId',
      'submission.formId as earlierFormId',
      'submission.formVersion as earlierVersion',
      'submission.inputHash as earlierHash',
    ])
const findFormById = statement((template, input: { readonly submissionId: string | null; readonly id: string }) =>
  formAndSubmission(template, input.submissionId).where('form.id', '=', input.id),
)
const findFormBySlug = statement((template, input: { readonly submissionId: string | null; readonly slug: string }) =>
  formAndSubmission(template, input.submissionId).where('form.slug', '=', input.slug),
)
