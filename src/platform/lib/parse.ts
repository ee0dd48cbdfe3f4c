import { z } from 'zod'
import { type InputIssue, type IssueCode, invalidInput } from './errors.ts'
import { decodeId } from './ids.ts'

/**
 * A public id in an input, as the row id that verbs take: `publicId('deal')`. An id of another kind, or none at all, is
 * NOT_FOUND, as a foreign one would be. For a client-made id in a create input: `publicId('deal').optional()`.
 */
export const publicId = (kind: string, what?: string) => z.string().transform((id) => decodeId(kind, id, what ?? kind))

/** For a name that `isVisibleLine` refuses. */
export const NOT_ONE_LINE = { message: 'A name is one line, of what can be seen.', params: { code: 'INVALID_FORMAT' } }

/** Parses an input from outside; throws INVALID_INPUT with every issue and its path. */
export function parseInput<Valid>(schema: z.ZodType<Valid>, input: unknown): Valid {
  const result = schema.safeParse(input, { error: describeIssue, reportInput: true })
  if (result.success) return result.data
  throw invalidInput(result.error.issues.flatMap(toIssues))
}

function toIssues(issue: z.core.$ZodIssue): InputIssue[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], code: 'NOT_ALLOWED', message: 'There is no such field.' }))
  }
  return [{ path, code: issueCode(issue), message: issue.message }]
}

const isMissing = (input: unknown): boolean => input === undefined || input === null

const isLength = (origin: string): boolean => ['string', 'array', 'set', 'map', 'file'].includes(origin)

function issueCode(issue: z.core.$ZodIssue): IssueCode {
  switch (issue.code) {
    case 'invalid_type':
      return isMissing(issue.input) ? 'REQUIRED' : 'INVALID_FORMAT'
    case 'invalid_value':
      return isMissing(issue.input) ? 'REQUIRED' : 'NOT_ALLOWED'
    case 'too_small':
      return isLength(issue.origin) ? 'TOO_SHORT' : 'TOO_SMALL'
    case 'too_big':
      return isLength(issue.origin) ? 'TOO_LONG' : 'TOO_LARGE'
    case 'invalid_format':
      return 'INVALID_FORMAT'
    case 'custom':
      return (issue.params?.code as IssueCode | undefined) ?? 'NOT_ALLOWED'
    default:
      return 'NOT_ALLOWED'
  }
}

/** Wording for issues whose schema brings none of its own. */
function describeIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return describeMissing(issue.input) ?? `This must be a ${issue.expected}.`
    case 'too_small':
      if (issue.origin === 'string' && issue.minimum === 1) return 'This cannot be empty.'
      if (issue.origin === 'string') return `At least ${issue.minimum} characters.`
      return isLength(issue.origin) ? `At least ${issue.minimum}.` : `This must be at least ${issue.minimum}.`
    case 'too_big':
      if (issue.origin === 'string') return `At most ${issue.maximum} characters.`
      return isLength(issue.origin) ? `At most ${issue.maximum}.` : `This must be at most ${issue.maximum}.`
    case 'invalid_value':
      return describeMissing(issue.input) ?? `One of: ${issue.values.map(String).join(', ')}.`
    case 'invalid_format':
      return issue.format === 'email' ? 'This is no e-mail address.' : `This is not written as a ${issue.format} is.`
    default:
      return undefined
  }
}

const describeMissing = (input: unknown): string | undefined =>
  input === undefined ? 'This is required.' : input === null ? 'This cannot be empty.' : undefined
