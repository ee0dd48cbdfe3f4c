// The public door of a form: `GET /f/{workspace}/{form}` shows it, `POST` sends it, `…/thanks` is where a browser ends up.
//
// Two kinds of callers come through it. Browsers, without a script: they get pages, and what was typed comes back with
// its errors. Programs: they send the answers as a JSON object by field key, `{ "email": "ada@example.com" }`, and get
// JSON, in case of an error as `application/problem+json` (RFC 9457). Who is who is told by what a POST sends and by
// what a GET accepts. `?schema`, or a GET that accepts JSON alone, describes the form to a program.
//
// A submission's own id, so that sending twice stores once, is a UUID in the header `Idempotency-Key` or in the member
// `_id`. No field key begins with an underscore.
//
// Anybody may come. Nothing of the caller is stored but what the form asks, the browser's name, the referrer, UTM
// parameters, and a digest of the address.

import type { Bell, Ctx } from '../../platform/context.ts'
import type { Database } from '../../platform/db/database.ts'
import { CommitUnknown } from '../../platform/db/transaction.ts'
import type { Clock } from '../../platform/lib/clock.ts'
import { AppError, notFound } from '../../platform/lib/errors.ts'
import { encodeId, newId } from '../../platform/lib/ids.ts'
import type { Logger } from '../../platform/observability/logger.ts'
import { findPublicForm, type PublicForm } from '../forms/service.ts'
import { findWorkspaceBySlug } from '../workspaces/service.ts'
import { type Post, readPost } from './door-post.ts'
import {
  closedPage,
  type DoorResponse,
  describeForm,
  errorPage,
  formPage,
  json,
  notAllowed,
  page,
  problem,
  redirect,
  statusOf,
} from './door-response.ts'
import { renderMessagePage, type TypedValues } from './form-page.ts'
import { rejectionError } from './model.ts'
import { addressDigest, type DoorSecret, issuePageToken, readPageToken } from './page-token.ts'
import { type SubmitFormInput, type SubmitFormOutcome, submitForm } from './submit.ts'

export interface Door {
  readonly db: Database
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Logger
  readonly secret: DoorSecret
}

/** A request as the HTTP server hands it over. */
export interface DoorRequest {
  readonly method: string
  readonly workspace: string
  readonly form: string
  /** The page after sending. */
  readonly thanks: boolean
  readonly query: URLSearchParams
  readonly header: (name: string) => string | undefined
  /** The whole body. Rejects with LIMIT_EXCEEDED (SIZE) for one that is too large. */
  readonly body: () => Promise<Uint8Array>
  /** The client's address, as a trusted proxy or the socket says. */
  readonly address: string | undefined
  readonly requestId: string
}

interface Place {
  readonly ctx: Ctx
  readonly form: PublicForm
}

/** Answers a request to a form's address. Throws what is a fault of ours, and the body's own LIMIT_EXCEEDED (SIZE). */
export async function answerAtDoor(door: Door, request: DoorRequest): Promise<DoorResponse> {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const allowed = request.thanks ? ['GET', 'HEAD'] : ['GET', 'HEAD', 'POST']
  if (!allowed.includes(request.method)) return notAllowed(allowed)
  const wantsPage = isRead ? prefersHtml(request) : isFormEncoded(request)
  try {
    const place = await findForm(door, request)
    if (request.thanks) return thanks(place, request)
    return isRead ? show(door, place, request, wantsPage) : await receive(door, place, request)
  } catch (err) {
    // A body that is too large was not read to its end; the server knows how to answer and to close.
    if (!(err instanceof AppError) || err.details.limit === 'SIZE') throw err
    return wantsPage ? errorPage(err) : problem(err)
  }
}

const pathOf = (request: DoorRequest): string => `/f/${request.workspace}/${request.form}`

const isFormEncoded = (request: DoorRequest): boolean =>
  /^application\/x-www-form-urlencoded\b/i.test(request.header('content-type') ?? '')

function prefersHtml(request: DoorRequest): boolean {
  if (request.query.has('schema')) return false
  const accept = request.header('accept') ?? '*/*'
  return !/\bapplication\/(?:\S+\+)?json\b/i.test(accept) || /\btext\/html\b/i.test(accept)
}

async function findForm(door: Door, request: DoorRequest): Promise<Place> {
  const workspace = await findWorkspaceBySlug(door.db.systemSql, request.workspace)
  const form =
    workspace === null
      ? null
      : await door.db.read(workspace.id, (sql) =>
          findPublicForm({ db: door.db, workspaceId: workspace.id, sql }, request.form),
        )
  if (workspace === null || form === null) throw notFound('This form')
  const { db, bell, clock, log } = door
  // The address stays out of the context: events would carry it.
  const origin = { requestId: request.requestId }
  return { form, ctx: { viewer: { kind: 'anonymous' }, workspaceId: workspace.id, db, bell, clock, log, origin } }
}

function show(door: Door, { form }: Place, request: DoorRequest, wantsPage: boolean): DoorResponse {
  const path = pathOf(request)
  if (!wantsPage) return json(200, describeForm(form, path))
  if (form.status !== 'ACTIVE') return closedPage(form)
  const values: Record<string, string> = {}
  for (const { key } of form.definition.fields) {
    const given = request.query.get(key)
    if (given !== null) values[key] = given.slice(0, 1_000)
  }
  return formPage(200, form, {
    action: actionOf(request),
    submissionId: newId(),
    token: issuePageToken(door.secret, path, door.clock.now()),
    referrer: (request.header('referer') ?? '').slice(0, 2_000),
    values,
    issues: [],
  })
}

/** The page's own path with the campaign it was reached by. */
function actionOf(request: DoorRequest): string {
  const kept = new URLSearchParams([...request.query].filter(([name]) => UTM.test(name)))
  return kept.size === 0 ? pathOf(request) : `${pathOf(request)}?${kept}`
}

function thanks({ form }: Place, request: DoorRequest): DoorResponse {
  const { message } = form.definition.response
  const again = { href: pathOf(request), text: 'Send another one' }
  return page(
    200,
    renderMessagePage({
      title: 'Thank you',
      text: message ?? 'We have received your message.',
      ...(form.status === 'ACTIVE' ? { link: again } : {}),
    }),
  )
}

async function receive(door: Door, place: Place, request: DoorRequest): Promise<DoorResponse> {
  const post = await readPost(request, place.form.definition)
  try {
    const outcome = await submit(door, place, request, post)
    if (outcome.outcome === 'REJECTED') throw rejectionError(outcome)
    return accepted(outcome, request, post)
  } catch (err) {
    if (!(err instanceof AppError) || post.encoding === 'JSON') throw err
    return again(door, place, request, post.typed, post, err)
  }
}

const UTM = /^utm_[a-z_]{1,28}$/

async function submit(door: Door, { ctx, form }: Place, request: DoorRequest, post: Post): Promise<SubmitFormOutcome> {
  const { address } = request
  const utm = Object.fromEntries(
    [...request.query].filter(([name]) => UTM.test(name)).map(([name, value]) => [name.slice(4), value.slice(0, 255)]),
  )
  const userAgent = request.header('user-agent')?.slice(0, 500)
  const referrer = post.referrer ?? request.header('referer')?.slice(0, 2_000)
  const input: SubmitFormInput = {
    form: { id: form.id },
    id: post.id ?? newId(),
    answers: post.answers,
    addressHash: address === undefined ? undefined : addressDigest(door.secret, ctx.workspaceId, address),
    pageOpenedAt: readPageToken(door.secret, pathOf(request), post.token),
    honeypot: true,
    origin: {
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(referrer === undefined ? {} : { referrer }),
      ...(Object.keys(utm).length === 0 ? {} : { utm }),
    },
  }
  const attempt = () => ctx.db.inTransaction(ctx, (tx) => submitForm(tx, input))
  try {
    return await attempt()
  } catch (err) {
    // Whether it was stored is known to the database alone; the id makes asking it again harmless.
    if (err instanceof CommitUnknown) return await attempt()
    throw err
  }
}

function accepted(
  outcome: Exclude<SubmitFormOutcome, { readonly outcome: 'REJECTED' }>,
  request: DoorRequest,
  post: Post,
): DoorResponse {
  const { response } = outcome
  if (post.encoding === 'FORM') return redirect(response.redirectUrl ?? `${pathOf(request)}/thanks`)
  const stored = outcome.outcome === 'ACCEPTED'
  // Who was trapped cannot tell: an id like any other, and the same words.
  const id = stored ? outcome.submissionId : (post.id ?? newId())
  const replayed = stored && outcome.replayed
  return json(replayed ? 200 : 201, { id: encodeId('submission', id), replayed, ...response })
}

/** The page once more, with what was typed and what is wrong with it. */
function again(
  door: Door,
  { form }: Place,
  request: DoorRequest,
  typed: TypedValues,
  post: Post,
  err: AppError,
): DoorResponse {
  const path = pathOf(request)
  const used = err.details.reason === 'IDEMPOTENCY_MISMATCH'
  const fresh = {
    action: actionOf(request),
    // An id that is taken by other answers would fail again.
    submissionId: post.id === undefined || used ? newId() : post.id,
    // The time counts from when the page was opened first.
    token:
      readPageToken(door.secret, path, post.token) === undefined
        ? issuePageToken(door.secret, path, door.clock.now())
        : String(post.token),
    referrer: post.referrer ?? '',
    values: typed,
  }
  switch (err.code) {
    case 'INVALID_INPUT':
      return formPage(422, form, { ...fresh, issues: err.details.issues ?? [] })
    case 'CONFLICT': {
      if (err.details.reason === 'CLOSED') return closedPage(form)
      const message = used
        ? 'You have sent this form before, with other answers. Press Send once more to send these as well.'
        : err.message
      return formPage(409, form, { ...fresh, issues: [], problem: message })
    }
    default:
      return formPage(statusOf(err), form, { ...fresh, issues: [], problem: err.message }, err.details.retryAfterMs)
  }
}
