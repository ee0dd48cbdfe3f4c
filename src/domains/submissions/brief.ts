import { statement } from '../../platform/db/statement.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { notFound } from '../../platform/lib/errors.ts'
import { encodeId } from '../../platform/lib/ids.ts'
import {
  type Answers,
  type AnswerValue,
  answerText,
  type CriterionOp,
  type FieldKind,
  type FormAutonomy,
} from '../forms/model.ts'
import { getPublished } from '../forms/service.ts'

/** What whoever works a submission is told about it, as data: every id is a public one. */
export interface SubmissionBrief {
  /** What the form's owner wants done, in plain language. */
  readonly instructions: string
  /** How far the form lets an employee go. */
  readonly autonomy: FormAutonomy
  readonly submission: {
    readonly id: string
    readonly form: { readonly name: string; readonly slug: string }
    readonly answers: readonly {
      readonly key: string
      readonly label: string
      readonly type: FieldKind
      /** As people read it; empty where it was not answered. */
      readonly text: string
      readonly value: AnswerValue | null
      /** Strangers wrote it. */
      readonly origin: 'PUBLIC'
    }[]
    readonly criteria: {
      readonly conditions: readonly {
        readonly field: string
        readonly op: Lowercase<CriterionOp>
        readonly value?: unknown
        readonly weight: number
        readonly label: string
      }[]
      readonly text: string
      readonly threshold: number
    }
    readonly contact: {
      readonly id: string
      readonly name: string | null
      readonly email: string | null
      readonly phone: string | null
      readonly company: string | null
      /** The contact was there before this submission. */
      readonly known: boolean
    } | null
    readonly pipeline: {
      readonly id: string
      readonly name: string
      readonly stages: readonly { readonly id: string; readonly name: string; readonly kind: 'OPEN' | 'WON' | 'LOST' }[]
      /** The workspace's currency: that of amounts which name none. */
      readonly currency: string
    } | null
    readonly requestedTools: string[]
  }
}

/**
 * The brief of a submission: its answers by the version that was answered, the criteria, the contact as known now and
 * the pipeline that deals go to. Two statements, and one more for a version this process has not seen. NOT_FOUND.
 */
export async function submissionBrief(tx: Tx, submissionId: string): Promise<SubmissionBrief> {
  const [[row], stages] = await Promise.all([
    tx.run(findForBrief, { id: submissionId }),
    tx.run(stagesOfPipeline, { submissionId }),
  ])
  if (row === undefined) throw notFound('Submission', encodeId('submission', submissionId))
  const definition = await getPublished(tx, row.formId, row.formVersion)
  const answers = row.answers as unknown as Answers
  return {
    instructions: definition.instructions,
    autonomy: row.autonomy as FormAutonomy,
    submission: {
      id: encodeId('submission', submissionId),
      form: { name: row.formName, slug: row.formSlug },
      answers: definition.fields.map((field) => {
        const value = Object.hasOwn(answers, field.key) ? (answers[field.key] ?? null) : null
        const text = value === null ? '' : answerText(field, value)
        return { key: field.key, label: field.label, type: field.kind, text, value, origin: 'PUBLIC' }
      }),
      criteria: {
        conditions: definition.criteria.conditions.map(({ op, ...condition }) => ({
          ...condition,
          op: op.toLowerCase() as Lowercase<CriterionOp>,
        })),
        text: definition.criteria.text,
        threshold: definition.criteria.threshold,
      },
      contact:
        row.contactId === null
          ? null
          : {
              id: encodeId('contact', row.contactId),
              name: row.contactName,
              email: row.email,
              phone: row.phone,
              company: row.companyName,
              known: row.contactCreatedAt !== null && row.contactCreatedAt < row.receivedAt,
            },
      pipeline:
        row.pipelineId === null
          ? null
          : {
              id: encodeId('pipeline', row.pipelineId),
              name: row.pipelineName ?? '',
              stages: stages.map(({ id, name, kind }) => ({
                id: encodeId('stage', id),
                name,
                kind: kind as 'OPEN' | 'WON' | 'LOST',
              })),
              currency: row.currency,
            },
      requestedTools: [...definition.requestedTools],
    },
  }
}

const findForBrief = statement((template, input: { readonly id: string }) =>
  template
    .selectFrom('submission')
    .innerJoin('form', 'form.id', 'submission.formId')
    .innerJoin('workspace', 'workspace.id', 'submission.workspaceId')
    .leftJoin('contact', 'contact.id', 'submission.contactId')
    .leftJoin('pipeline', 'pipeline.id', 'form.pipelineId')
    .select([
      'submission.formId',
      'submission.formVersion',
      'submission.answers',
      'submission.receivedAt',
      'form.name as formName',
      'form.slug as formSlug',
      'form.autonomy',
      'workspace.currency',
      'contact.id as contactId',
      'contact.name as contactName',
      'contact.email',
      'contact.phone',
      'contact.companyName',
      'contact.createdAt as contactCreatedAt',
      'pipeline.id as pipelineId',
      'pipeline.name as pipelineName',
    ])
    .where('submission.id', '=', input.id),
)

const stagesOfPipeline = statement((template, input: { readonly submissionId: string }) =>
  template
    .selectFrom('submission')
    .innerJoin('form', 'form.id', 'submission.formId')
    .innerJoin('stage', 'stage.pipelineId', 'form.pipelineId')
    .select(['stage.id', 'stage.name', 'stage.kind'])
    .where('submission.id', '=', input.submissionId)
    .orderBy('stage.position'),
)
