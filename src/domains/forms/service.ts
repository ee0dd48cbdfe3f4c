import type { Selectable } from 'kysely'
import { requirePermission } from '../../platform/auth/permissions.ts'
import { json, type Tables } from '../../platform/db/tables.ts'
import type { Tx } from '../../platform/db/transaction.ts'
import { appendEvents } from '../../platform/events/append.ts'
import { changesBetween } from '../../platform/events/changes.ts'
import { conflict, invalidInput, notFound } from '../../platform/lib/errors.ts'
import { fold } from '../../platform/lib/fold.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import { draftChanges, parseDefinition, partsOf } from './draft.ts'
import { formEvents } from './events.ts'
import { createHandlers, replaceHandlers } from './handlers.ts'
import { holdLimitsByDefault } from './limits-by-default.ts'
import {
  type CreateFormInput,
  type DecideFormInput,
  type FormAct,
  type FormDefinition,
  type FormLimits,
  type FormStatus,
  limitsOf,
  type OwnLimits,
  patchLimits,
  slugOf,
  statusAfter,
  toldLimits,
  type UpdateFormInput,
} from './model.ts'
import { getPublished } from './published.ts'

export { assertHoneypotIsNoField } from './limits-by-default.ts'
export { findPublicForm, getPublished, type PublicForm, type Reader } from './published.ts'
export { type RoutableForm, route } from './routing.ts'

type FormRow = Selectable<Tables['form']>

/** A form's row with its texts and documents read as what the verbs wrote. */
interface Form extends Omit<FormRow, 'status' | 'draft' | 'limits'> {
  readonly status: FormStatus
  readonly draft: FormDefinition
  readonly limits: OwnLimits
}

/**
 * Makes a form, as a draft: it takes nothing until it is published. Without a slug the name gives one, without an
 * autonomy it is SUPERVISED: strangers write what comes through it. Needs
 * FORMS_WRITE. INVALID_INPUT with the path of each issue; CONFLICT DUPLICATE for a slug or id that is taken; NOT_FOUND
 * for an employee or pipeline. Atomic with its handlers.
 */
export async function createForm(tx: Tx, input: CreateFormInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'FORMS_WRITE')
  const id = input.id ?? newId()
  const draft = parseDefinition(partsOf(input))
  const limits = patchLimits({}, input.limits ?? {})
  refuseTrappedFields(draft, limitsOf(limits, await holdLimitsByDefault(tx)))
  const slug = input.slug ?? slugOf(input.name)
  await assertSlugIsFree(tx, slug, id)
  if (input.pipeline != null) await assertPipeline(tx, input.pipeline)
  const handlerGroupId = input.handlers == null ? null : await createHandlers(tx, input.name, input.handlers)
  await tx.sql
    .insertInto('form')
    .values({
      workspaceId: tx.workspaceId,
      id,
      name: input.name,
      nameFolded: fold(input.name),
      slug,
      kind: input.kind ?? 'GENERAL',
      handlerGroupId,
      pipelineId: input.pipeline ?? null,
      draft: json(draft),
      limits: json(limits),
      autonomy: input.autonomy ?? 'SUPERVISED',
      createdAt: tx.now,
      updatedAt: tx.now,
    })
    .execute()
  appendEvents(tx, [{ type: formEvents.created.type, subject: { kind: 'form', id }, subjectVersion: 1 }])
  return { id }
}

/**
 * Changes what is given; null clears. Fields, instructions, criteria, response and requested tools change the draft and
 * wait for the next publishing; everything else is in force at once. Needs FORMS_WRITE. INVALID_INPUT with the path of
 * each issue; CONFLICT for a stale `ifVersion`, a taken slug, an archived form; NOT_FOUND.
 */
export async function updateForm(tx: Tx, input: UpdateFormInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'FORMS_WRITE')
  const form = await lockForm(tx, input)
  if (form.status === 'ARCHIVED') {
    throw conflict('CLOSED', 'This form is archived and does not change any more.', { kind: 'form', id: form.id })
  }
  const draft = parseDefinition({ ...form.draft, ...partsOf(input) })
  const limits = patchLimits(form.limits, input.limits ?? {})
  const byDefault = await holdLimitsByDefault(tx)
  const inForce = limitsOf(limits, byDefault)
  refuseTrappedFields(draft, inForce)
  if (input.limits !== undefined && form.publishedVersion !== null) {
    refuseTrappedFields(await getPublished(tx, form.id, form.publishedVersion), inForce)
  }
  if (input.slug !== undefined && input.slug !== form.slug) await assertSlugIsFree(tx, input.slug)
  if (input.pipeline != null) await assertPipeline(tx, input.pipeline)
  const handlers = await replaceHandlers(tx, form, input.handlers)
  const settings = withoutUndefined({
    name: input.name,
    slug: input.slug,
    kind: input.kind,
    pipelineId: input.pipeline,
    autonomy: input.autonomy,
  })
  const changes = [
    ...changesBetween({ ...form, draft: null, limits: null }, settings),
    ...handlers.changes,
    ...changesBetween(toldLimits(form.limits, byDefault), toldLimits(limits, byDefault)),
    ...draftChanges(form.draft, draft),
  ]
  if (changes.length === 0) return { id: form.id }
  const version = form.version + 1
  await tx.sql
    .updateTable('form')
    .set({
      ...settings,
      ...(input.name === undefined ? {} : { nameFolded: fold(input.name) }),
      handlerGroupId: handlers.groupId,
      draft: json(draft),
      limits: json(limits),
      version,
      updatedAt: tx.now,
    })
    .where('id', '=', form.id)
    .execute()
  appendEvents(tx, [
    { type: formEvents.updated.type, subject: { kind: 'form', id: form.id }, subjectVersion: version, changes },
  ])
  return { id: form.id }
}

/**
 * Freezes the draft as the next version, which new submissions answer from the commit on; a DRAFT becomes ACTIVE, a
 * PAUSED form stays paused. A draft that says what is published already stays that version. Needs FORMS_WRITE. INVALID_INPUT for a draft without fields; CONFLICT for a stale
 * `ifVersion` and an archived form; NOT_FOUND.
 */
export async function publishForm(
  tx: Tx,
  input: DecideFormInput,
): Promise<{ readonly id: string; readonly number: number }> {
  requirePermission(tx.viewer, 'FORMS_WRITE')
  const form = await lockForm(tx, input)
  const status = nextStatus(form, 'publish')
  if (form.draft.fields.length === 0) {
    throw invalidInput([
      { path: ['fields'], code: 'REQUIRED', message: 'A form needs a field before it is published.' },
    ])
  }
  const { publishedVersion } = form
  if (publishedVersion !== null) {
    const published = await getPublished(tx, form.id, publishedVersion)
    if (draftChanges(published, form.draft).length === 0) return { id: form.id, number: publishedVersion }
  }
  const number = (publishedVersion ?? 0) + 1
  await tx.sql
    .insertInto('formVersion')
    .values({
      workspaceId: tx.workspaceId,
      formId: form.id,
      number,
      definition: json(form.draft),
      publishedAt: tx.now,
    })
    .execute()
  await saveStatus(tx, form, status, formEvents.published.type, { publishedVersion: number }, { number })
  return { id: form.id, number }
}

/** Takes no submissions for the time being. Needs FORMS_WRITE. CONFLICT unless it is ACTIVE, or stale; NOT_FOUND. */
export const pauseForm = (tx: Tx, input: DecideFormInput) => decide(tx, 'pause', input)

/** Takes submissions again. Needs FORMS_WRITE. CONFLICT unless it is PAUSED, or stale; NOT_FOUND. */
export const resumeForm = (tx: Tx, input: DecideFormInput) => decide(tx, 'resume', input)

/** Takes no more submissions, for good. Needs FORMS_WRITE. CONFLICT when it is archived already, or stale; NOT_FOUND. */
export const archiveForm = (tx: Tx, input: DecideFormInput) => decide(tx, 'archive', input)

const EVENTS = {
  pause: formEvents.paused.type,
  resume: formEvents.resumed.type,
  archive: formEvents.archived.type,
} as const

async function decide(tx: Tx, act: keyof typeof EVENTS, input: DecideFormInput): Promise<{ readonly id: string }> {
  requirePermission(tx.viewer, 'FORMS_WRITE')
  const form = await lockForm(tx, input)
  await saveStatus(tx, form, nextStatus(form, act), EVENTS[act])
  return { id: form.id }
}

async function saveStatus(
  tx: Tx,
  form: Form,
  status: FormStatus,
  eventType: string,
  patch: { readonly publishedVersion?: number } = {},
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const version = form.version + 1
  const changed = { status, ...patch }
  await tx.sql
    .updateTable('form')
    .set({ ...changed, version, updatedAt: tx.now })
    .where('id', '=', form.id)
    .execute()
  const changes = changesBetween({ status: form.status, publishedVersion: form.publishedVersion }, changed)
  const subject = { kind: 'form', id: form.id }
  appendEvents(tx, [{ type: eventType, subject, subjectVersion: version, changes, data }])
}

function nextStatus(form: Form, act: FormAct): FormStatus {
  const next = statusAfter(form.status, act)
  if (next !== undefined) return next
  const ref = { kind: 'form', id: form.id }
  throw conflict('ILLEGAL_TRANSITION', `A form that is ${form.status} cannot be ${PARTICIPLES[act]}.`, ref)
}

const PARTICIPLES: Readonly<Record<FormAct, string>> = {
  publish: 'published',
  pause: 'paused',
  resume: 'resumed',
  archive: 'archived',
}

async function lockForm(tx: Tx, { id, ifVersion }: DecideFormInput): Promise<Form> {
  const row = await tx.sql.selectFrom('form').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
  if (row === undefined) throw notFound('Form', encodeId('form', id))
  if (ifVersion != null && ifVersion !== row.version) {
    throw conflict('STALE_VERSION', `This form has changed: it is at version ${row.version}.`, { kind: 'form', id })
  }
  return {
    ...row,
    status: row.status as FormStatus,
    draft: row.draft as unknown as FormDefinition,
    limits: row.limits as OwnLimits,
  }
}

/** A field with the honeypot's name would make a program of everybody who fills it in. */
function refuseTrappedFields(definition: FormDefinition, limits: FormLimits): void {
  if (limits.honeypot === null || !definition.fields.some((field) => field.key === limits.honeypot)) return
  throw invalidInput([
    {
      path: ['limits', 'honeypot'],
      code: 'DUPLICATE',
      message: `A field of this form has the key ${limits.honeypot}; the honeypot needs a name of its own.`,
    },
  ])
}

async function assertSlugIsFree(tx: Tx, slug: string, id?: string): Promise<void> {
  const taken = await tx.sql.selectFrom('form').select('id').where('slug', '=', slug).executeTakeFirst()
  // One with the same id is refused for its id, which is what its maker needs to hear.
  if (taken === undefined || taken.id === id) return
  throw conflict('DUPLICATE', `Another form has the slug ${slug}.`, { kind: 'form', id: taken.id })
}

async function assertPipeline(tx: Tx, pipelineId: string): Promise<void> {
  const pipeline = await tx.sql.selectFrom('pipeline').select('id').where('id', '=', pipelineId).executeTakeFirst()
  if (pipeline === undefined) throw notFound('Pipeline', encodeId('pipeline', pipelineId))
}

function withoutUndefined<Fields extends object>(
  fields: Fields,
): { [Field in keyof Fields]?: Exclude<Fields[Field], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
