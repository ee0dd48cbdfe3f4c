import { z } from 'zod'
import { requirePermission } from '../../platform/auth/permissions.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import type { builder } from '../../platform/graphql/builder.ts'
import type { GraphQLContext } from '../../platform/graphql/context.ts'
import { mutation } from '../../platform/graphql/mutation.ts'
import { loadById, typeOf } from '../../platform/graphql/node.ts'
import { nodeField } from '../../platform/graphql/node-field.ts'
import { notFound, unauthenticated } from '../../platform/lib/errors.ts'
import { decodeId, encodeId, isUuid } from '../../platform/lib/ids.ts'
import type { FormBy } from '../forms/model.ts'
import { findWorkspaceBySlug } from '../workspaces/service.ts'
import { doorSecretOf } from './door-secret.ts'
import { qualifySubmissionInput, rejectionError } from './model.ts'
import { addressDigest } from './page-token.ts'
import { qualifySubmission, type RejectedSubmission, submitForm } from './service.ts'

/** Declared with the forms. */
const FormByInput = 'FormBy' as unknown as ReturnType<typeof builder.inputRef<FormBy>>

type FormName = { readonly id: string } | { readonly slug: string; readonly workspace?: string }

/** `workspace/form`, also as in an address: `/f/workspace/form`. */
function parsePath(path: string): FormName {
  const [workspace = '', slug = '', ...rest] = path.replace(/^\/?(?:f\/)?/, '').split('/')
  if (workspace === '' || slug === '' || rest.length > 0) throw notFound('Form', path)
  return { workspace, slug }
}

const formBy = z
  .object({ id: z.string().nullish(), slug: z.string().nullish(), path: z.string().nullish() })
  .transform(({ id, slug, path }): FormName => {
    if (id != null) return { id: decodeId('form', id, 'Form') }
    return path == null ? { slug: slug ?? '' } : parsePath(path)
  })

/** A submission's id as its sender makes it: a UUID, with or without the prefix of our ids. */
const ownId = z.string().transform((text, ctx) => {
  const id = text.replace(/^submission_/, '')
  if (isUuid(id)) return id.toLowerCase()
  ctx.addIssue({ code: 'custom', message: 'The id of a submission is a UUID.', params: { code: 'INVALID_FORMAT' } })
  return z.NEVER
})

const submitFormInput = z.object({ form: formBy, id: ownId.nullish(), answers: z.unknown() })
type SubmitInput = z.output<typeof submitFormInput>

type Accepted = { readonly submissionId: string; readonly replayed: boolean }
type Rejected = { readonly rejection: Pick<RejectedSubmission, 'reason' | 'retryAfterMs'> }

mutation<SubmitInput, Accepted, Rejected, string | undefined>('submitForm', {
  description:
    'Sends a form. Public: needs no credential when the form is named by `path`. With an `id` of your own, sending ' +
    'twice stores once.',
  permission: 'public',
  workspace: async ({ form }, ctx: GraphQLContext) => {
    if (!('workspace' in form) || form.workspace === undefined) throw unauthenticated()
    const workspace = await findWorkspaceBySlug(ctx.db.systemSql, form.workspace)
    if (workspace === null) throw notFound('Form', `${form.workspace}/${form.slug}`)
    return workspace.id
  },
  // Only who made an id is told from all the others who may have chosen the same key.
  credential: ({ form, id }) => (id == null ? undefined : `form:${JSON.stringify(form)}:${id}`),
  input: (t) => ({
    form: t.field({ type: FormByInput, required: true, description: 'Which form.' }),
    id: t.id({ description: 'A UUID made by you: sending twice stores once, for ever.' }),
    answers: t.field({
      type: 'JSON',
      required: true,
      description:
        'By field key, the same object that a POST to the form takes: `{ email: "ada@example.com", budget: 5000 }`.',
    }),
  }),
  parse: submitFormInput,
  prepare: async ({ pageOrigin }) => pageOrigin,
  verb: async (tx, { form, id, answers }, pageOrigin) => {
    if (!('id' in form)) await requireOwnWorkspace(tx, form)
    const outcome = await submitForm(tx, {
      form,
      id: id ?? undefined,
      answers,
      addressHash: addressHashOf(tx),
      // A page with a credential is a program of the workspace's own.
      pageOrigin: tx.viewer.kind === 'anonymous' ? pageOrigin : undefined,
      honeypot: false,
      origin: {},
    })
    if (outcome.outcome === 'REJECTED') {
      const { reason, retryAfterMs } = outcome
      return { rejection: { reason, retryAfterMs } }
    }
    if (outcome.outcome === 'TRAPPED') throw new Error('there is no honeypot at this door')
    return { submissionId: outcome.submissionId, replayed: outcome.replayed }
  },
  // Its row in the spam log and its event stay.
  refusal: (outcome) => ('rejection' in outcome ? rejectionError(outcome.rejection) : undefined),
  payload: (t) => ({
    id: t.id({
      description: 'The id of the submission.',
      resolve: ({ submissionId }) => encodeId('submission', submissionId),
    }),
    replayed: t.exposeBoolean('replayed', {
      description: 'It had come in before, under the same id; nothing was done now.',
    }),
    submission: t.field({
      type: typeOf('Submission'),
      nullable: true,
      description: 'The submission as it is now; only for who may see submissions.',
      resolve: ({ submissionId }, _args, ctx, info) => {
        // A payload shows what its caller has written, but this holds what others think of it, too.
        requirePermission(ctx.viewer, 'SUBMISSIONS_READ')
        return loadById('Submission', submissionId, ctx, info)
      },
    }),
  }),
  errors: ['NOT_FOUND', 'LIMIT_EXCEEDED'],
})

/** A path names a workspace; a caller with a credential is bound to its own already. */
async function requireOwnWorkspace(tx: Tx, form: Extract<SubmitInput['form'], { readonly slug: string }>) {
  if (form.workspace === undefined || tx.viewer.kind === 'anonymous') return
  const workspace = await findWorkspaceBySlug(tx.db.systemSql, form.workspace)
  if (workspace?.id !== tx.workspaceId) throw notFound('Form', `${form.workspace}/${form.slug}`)
}

/** Only strangers are counted by their address: a program with a key sends for many. */
function addressHashOf(tx: Tx): string | undefined {
  const { address } = tx.origin
  const secret = doorSecretOf(tx.db)
  if (tx.viewer.kind !== 'anonymous' || address === undefined || secret === undefined) return undefined
  return addressDigest(secret, tx.workspaceId, address)
}

mutation('qualifySubmission', {
  description:
    'Records whether a submission meets its form’s criteria, how well, and why; a later judgement replaces an earlier ' +
    'one. A contact who was only a lead becomes qualified with it.',
  permission: 'SUBMISSIONS_WRITE',
  input: (t) => ({
    submission: t.id({ required: true, description: 'The submission.' }),
    qualified: t.boolean({ required: true, description: 'Whether it is worth going on with.' }),
    fit: t.float({ required: true, description: 'How well it meets the criteria, 0 to 1.' }),
    reasons: t.stringList({ required: true, description: 'Why, in sentences; 20 at most.' }),
  }),
  parse: qualifySubmissionInput,
  verb: async (tx, input) => ({ submissionId: (await qualifySubmission(tx, input)).id }),
  payload: (t) => ({
    submission: t.field(
      nodeField(
        'Submission',
        'The submission as it is now.',
        ({ submissionId }: { submissionId: string }) => submissionId,
      ),
    ),
  }),
  errors: ['NOT_FOUND'],
})
