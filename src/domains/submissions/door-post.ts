import { AppError, type InputIssue, invalidInput } from '../../platform/lib/errors.ts'
import { isUuid } from '../../platform/lib/ids.ts'
import type { FormDefinition } from '../forms/model.ts'
import type { DoorRequest } from './door.ts'
import { ID_MEMBER, REFERRER_MEMBER, TOKEN_MEMBER, type TypedValues } from './form-page.ts'

/** What a POST holds, taken apart: the answers, and what is said about them in members that are no answers. */
export interface Post {
  readonly answers: unknown
  /** The submission's own id, a UUID in lower case. */
  readonly id: string | undefined
  readonly token: unknown
  /** Where the page was come to from, as the page itself noted. */
  readonly referrer?: string | undefined
}

export interface PagePost extends Post {
  /** The texts as they were typed, for the page that comes back with errors. */
  readonly typed: TypedValues
}

/** A request that is not even readable; `status` is its answer over HTTP. */
export class UnreadableRequest extends AppError {
  readonly status: 400 | 415

  constructor(status: 400 | 415, message: string) {
    super('INVALID_INPUT', message, { issues: [] })
    this.status = status
  }
}

/**
 * Reads what a program sends. Throws UnreadableRequest, INVALID_INPUT for a body that is no object and an id that is no
 * UUID, and what the body throws.
 */
export async function readJsonPost(request: DoorRequest): Promise<Post> {
  const type = request.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type !== 'application/json' && !/^application\/[a-z0-9.-]+\+json$/.test(type)) {
    const message = 'Send application/json, or application/x-www-form-urlencoded as an HTML form does.'
    throw new UnreadableRequest(415, message)
  }
  const { [ID_MEMBER]: id, [TOKEN_MEMBER]: token, ...answers } = readJson(decode(await request.body()))
  return { answers, id: submissionId(request, id), token }
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new UnreadableRequest(400, 'The body is not UTF-8.')
  }
}

function readJson(text: string): Record<string, unknown> {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new UnreadableRequest(400, 'The body is not valid JSON.')
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>
  const message = 'The body is an object with a member for each field: { "email": "ada@example.com" }.'
  throw invalidInput([{ path: [], code: 'INVALID_FORMAT', message }])
}

/** Reads what a page sends, form-encoded. Throws as `readJsonPost` does. */
export async function readPagePost(request: DoorRequest, definition: FormDefinition): Promise<PagePost> {
  const text = decode(await request.body())
  const members = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(text)) {
    const known = members.get(name)
    if (known === undefined) members.set(name, [value])
    else known.push(value)
  }
  const single = (name: string) => members.get(name)?.[0]
  const lists = new Set(definition.fields.flatMap((field) => (field.kind === 'MULTI_SELECT' ? [field.key] : [])))
  // Null-prototype: a member may be called `__proto__`.
  const typed = Object.create(null) as Record<string, string | readonly string[]>
  for (const [name, values] of members) {
    if (name === ID_MEMBER || name === TOKEN_MEMBER || name === REFERRER_MEMBER) continue
    const [first = ''] = values
    typed[name] = lists.has(name) || values.length > 1 ? values : first
  }
  return {
    answers: { ...typed },
    typed,
    id: submissionId(request, single(ID_MEMBER)),
    token: single(TOKEN_MEMBER),
    referrer: single(REFERRER_MEMBER)?.slice(0, 2_000),
  }
}

function submissionId(request: DoorRequest, member: unknown): string | undefined {
  const header = request.header('idempotency-key')
  const given = header ?? member
  if (given === undefined || given === null || given === '') return undefined
  // As a quoted string too, which the header's specification asks for, and as the public id that the answer gives.
  const id = typeof given === 'string' ? given.replace(/^"(.*)"$/, '$1').replace(/^submission_/, '') : ''
  if (isUuid(id)) return id.toLowerCase()
  const issue: InputIssue = {
    path: [header === undefined ? ID_MEMBER : 'Idempotency-Key'],
    code: 'INVALID_FORMAT',
    message: 'The id of a submission is a UUID.',
  }
  throw invalidInput([issue])
}
