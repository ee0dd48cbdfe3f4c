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
import { type PagePost, type Post, readJsonPost, readPagePost } from './door-post.ts'
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
import { renderMessagePage } from './form-page.ts'
import { SenderBusy } from './limits.ts'
import { rejectionError } from './model.ts'
import { addressDigest, type DoorSecret, issuePageToken, readPageToken } from './page-token.ts'
import { type SubmitFormInput, type SubmitFormOutcome, submitForm } from './submit.ts'

export interface Door {
  readonly db: Database
  readonly bell: Bell
  readonly clock: Clock
  readonly log: Logger
  readonly secret: DoorSecret
  /** How the world reaches us, without a slash at the end. */
  readonly publicUrl?: string | undefined
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
  /** The origin of the page that sends it, where that is none of ours. */
  readonly pageOrigin: string | undefined
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
    const ctx = await enter(door, request)
    if (!isRead && !wantsPage) return await receiveJson(door, ctx, request)
    const place = { ctx, form: await findForm(ctx, request.form) }
    if (request.thanks) return thanks(place.form, request)
    return isRead ? show(door, place.form, request, wantsPage) : await receivePage(door, place, request)
  } catch (err) {
    // A body that is too large was not read to its end; the server knows how to answer and to close.
    if (!(err instanceof AppError) || err.details.limit === 'SIZE') throw err
    return wantsPage ? errorPage(err) : problem(err)
  }
}

const pathOf = (request: DoorRequest): string => `/f/${request.workspace}/${request.form}`

const isFormEncoded = (request: DoorRequest): boolean =>
  /^application\/x-www-form-urlencoded\b/i.test(request.header('content-type') ?? '')

const MAX_ACCEPT_LENGTH = 1_000

const isJsonType = (type: string): boolean =>
  type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json'))

function prefersHtml(request: DoorRequest): boolean {
  if (request.query.has('schema')) return false
  const accept = request.header('accept') ?? '*/*'
  const types = accept
    .slice(0, MAX_ACCEPT_LENGTH)
    .split(',')
    .map((range) => range.split(';', 1)[0]?.trim().toLowerCase() ?? '')
  return types.includes('text/html') || !types.some(isJsonType)
}

/** What an address names at all: anything else (zero bytes, dots) is no form's, and not worth a question to the database. */
const isSlug = (text: string): boolean => /^[a-z0-9-]{1,63}$/.test(text)

/** A stranger's context in the workspace that the address names. */
async function enter({ db, bell, clock, log }: Door, request: DoorRequest): Promise<Ctx> {
  if (!isSlug(request.workspace) || !isSlug(request.form)) throw notFound('This form')
  const workspace = await findWorkspaceBySlug(db.systemSql, request.workspace)
  if (workspace === null) throw notFound('This form')
  // The address stays out of the context: events would carry it.
  const origin = { requestId: request.requestId }
  return { viewer: { kind: 'anonymous' }, workspaceId: workspace.id, db, bell, clock, log, origin }
}

async function findForm({ db, workspaceId }: Ctx, slug: string): Promise<PublicForm> {
  const form = await db.read(workspaceId, (sql) => findPublicForm({ db, workspaceId, sql }, slug))
  if (form === null) throw notFound('This form')
  return form
}

function show(door: Door, form: PublicForm, request: DoorRequest, wantsPage: boolean): DoorResponse {
  const path = pathOf(request)
  if (!wantsPage) return json(200, describeForm(form, path))
  if (form.status !== 'ACTIVE') return closedPage(form)
  // Null-prototype: a field may be called `constructor`.
  const values = Object.create(null) as Record<string, string>
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

function thanks(form: PublicForm, request: DoorRequest): DoorResponse {
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

async function receiveJson(door: Door, ctx: Ctx, request: DoorRequest): Promise<DoorResponse> {
  const post = await readJsonPost(request)
  const outcome = await submit(door, ctx, request, post)
  if (outcome.outcome === 'REJECTED') throw rejectionError(outcome)
  const stored = outcome.outcome === 'ACCEPTED'
  // Who was trapped cannot tell: an id like any other, and the same words.
  const id = stored ? outcome.submissionId : (post.id ?? newId())
  const replayed = stored && outcome.replayed
  return json(replayed ? 200 : 201, { id: encodeId('submission', id), replayed, ...outcome.response })
}

async function receivePage(door: Door, place: Place, request: DoorRequest): Promise<DoorResponse> {
  const post = await readPagePost(request, place.form.definition)
  try {
    const outcome = await submit(door, place.ctx, request, post)
    if (outcome.outcome === 'REJECTED') throw rejectionError(outcome)
    const { redirectUrl } = outcome.response
    // In ASCII, also where an older version of the form was stored as it was typed: a header holds nothing else.
    return redirect(redirectUrl === undefined ? `${pathOf(request)}/thanks` : new URL(redirectUrl).href)
  } catch (err) {
    if (err instanceof AppError) return again(door, place.form, request, post, err)
    throw err
  }
}

const UTM = /^utm_[a-z_]{1,28}$/

async function submit(door: Door, ctx: Ctx, request: DoorRequest, post: Post): Promise<SubmitFormOutcome> {
  const { address } = request
  const utm = Object.fromEntries(
    [...request.query]
      .filter(([name]) => UTM.test(name))
      .map(([name, value]) => [name.slice(4), shortened(value, 255)]),
  )
  const userAgent = shortened(request.header('user-agent'), 500)
  const referrer = shortened(post.referrer ?? request.header('referer'), 2_000)
  const input: SubmitFormInput = {
    form: { slug: request.form },
    id: post.id ?? newId(),
    answers: post.answers,
    addressHash: address === undefined ? undefined : addressDigest(door.secret, ctx.workspaceId, address),
    pageOrigin: request.pageOrigin,
    pageOpenedAt: readPageToken(door.secret, pathOf(request), post.token),
    honeypot: true,
    origin: {
      ...(userAgent === '' ? {} : { userAgent }),
      ...(referrer === '' ? {} : { referrer }),
      ...(Object.keys(utm).length === 0 ? {} : { utm }),
    },
  }
  const attempt = () => untilFree(ctx, () => ctx.db.inTransaction(ctx, (tx) => submitForm(tx, input)))
  try {
    return await attempt()
  } catch (err) {
    // Whether it was stored is known to the database alone; the id makes asking it again harmless.
    if (err instanceof CommitUnknown) return await attempt()
    throw err
  }
}

const MAX_ATTEMPTS = 12
const FIRST_PAUSE_MS = 40
const LONGEST_PAUSE_MS = 400

/** Tries again a few times while the sender's last submission is being looked at, holding no connection in between. */
async function untilFree<Result>(ctx: Ctx, attempt: () => Promise<Result>): Promise<Result> {
  for (let number = 1; ; number++) {
    try {
      return await attempt()
    } catch (err) {
      if (!(err instanceof SenderBusy) || number === MAX_ATTEMPTS) throw err
    }
    await ctx.clock.sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (number - 1)))
  }
}

/** What browsers say about themselves, fit to be stored and shown. */
const shortened = (text: string | undefined, length: number): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be removed
  (text ?? '').slice(0, length).replace(/[\u0000-\u001f\u007f]|\p{Surrogate}/gu, '')

/** The page once more, with what was typed and what is wrong with it. */
function again(door: Door, form: PublicForm, request: DoorRequest, post: PagePost, err: AppError): DoorResponse {
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
    values: post.typed,
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
