import { describe, expect, it } from 'vitest'
import { AppError } from '../../platform/lib/errors.ts'
import { parseInput } from '../../platform/lib/parse.ts'
import {
  DEFAULT_LIMITS,
  type FormDefinitionInput,
  formDefinitionSchema,
  formLimitsPatchSchema,
  limitsOf,
  patchLimits,
} from './model.ts'

/** What is wrong with a definition, as `path CODE`. */
function issuesOf(definition: unknown): string[] {
  try {
    parseInput(formDefinitionSchema, definition)
    return []
  } catch (err) {
    if (!(err instanceof AppError)) throw err
    return (err.details.issues ?? []).map((issue) => `${issue.path.join('.')} ${issue.code}`)
  }
}

const email = { key: 'email', kind: 'EMAIL', label: 'E-mail', required: true } as const
const budget = { key: 'budget', kind: 'CURRENCY', label: 'Budget', currency: 'EUR' } as const
const size = {
  key: 'size',
  kind: 'SELECT',
  label: 'Team',
  options: [
    { value: 'small', label: 'Up to 10' },
    { value: 'large', label: 'More' },
  ],
} as const
const withCondition = (condition: object): unknown => ({
  fields: [email, budget, size],
  criteria: { conditions: [condition] },
})

describe('a form definition', () => {
  it('keeps its redirect in ASCII, as a header needs it', () => {
    const response = { redirectUrl: 'https://bücher.example/danke schön?für=dich' }
    const redirectUrl = 'https://xn--bcher-kva.example/danke%20sch%C3%B6n?f%C3%BCr=dich'
    expect(parseInput(formDefinitionSchema, { fields: [email], response }).response).toEqual({ redirectUrl })
  })

  it('is complete with nothing but its fields', () => {
    expect(parseInput(formDefinitionSchema, { fields: [email] } satisfies FormDefinitionInput)).toEqual({
      fields: [{ key: 'email', kind: 'EMAIL', label: 'E-mail', help: '', required: true }],
      instructions: '',
      criteria: { conditions: [], text: '', threshold: 0.6 },
      response: { message: expect.stringContaining('received your message') },
      requestedTools: [],
    })
  })

  it.each<[string, unknown, string[]]>([
    ['two fields with one key', { fields: [email, email] }, ['fields.1.key DUPLICATE']],
    ['a key that is no name', { fields: [{ ...email, key: '_id' }] }, ['fields.0.key INVALID_FORMAT']],
    ['a key that every object has', { fields: [{ ...email, key: 'constructor' }] }, ['fields.0.key NOT_ALLOWED']],
    ['an unknown kind', { fields: [{ ...email, kind: 'FILE' }] }, ['fields.0.kind NOT_ALLOWED']],
    ['a select without options', { fields: [{ key: 'a', kind: 'SELECT', label: 'A' }] }, ['fields.0.options REQUIRED']],
    [
      'an option twice',
      { fields: [{ ...size, options: [size.options[0], size.options[0]] }] },
      ['fields.0.options.1.value DUPLICATE'],
    ],
    ['options of a text field', { fields: [{ ...size, kind: 'TEXT' }] }, ['fields.0.options NOT_ALLOWED']],
    ['money without a currency', { fields: [{ ...budget, currency: undefined }] }, ['fields.0.currency REQUIRED']],
    ['bounds upside down', { fields: [{ ...budget, min: 5, max: 4 }] }, ['fields.0.max TOO_SMALL']],
    [
      'a length of a number',
      { fields: [{ key: 'n', kind: 'NUMBER', label: 'N', maxLength: 3 }] },
      ['fields.0.maxLength NOT_ALLOWED'],
    ],
    ['a range of a text', { fields: [{ key: 't', kind: 'TEXT', label: 'T', min: 3 }] }, ['fields.0.min NOT_ALLOWED']],
    ['an attribute nobody knows', { fields: [{ ...email, colour: 'red' }] }, ['fields.0.colour NOT_ALLOWED']],
    [
      'more than 50 fields',
      { fields: Array.from({ length: 51 }, (_, n) => ({ ...email, key: `e${n}` })) },
      ['fields TOO_LONG'],
    ],
    [
      'two fields for one part of the contact',
      {
        fields: [
          { key: 'a', kind: 'TEXT', label: 'A', contactField: 'NAME' },
          { key: 'b', kind: 'TEXT', label: 'B', contactField: 'NAME' },
        ],
      },
      ['fields.1.contactField DUPLICATE'],
    ],
    [
      'a number as the name of the contact',
      { fields: [{ key: 'n', kind: 'NUMBER', label: 'N', contactField: 'NAME' }] },
      ['fields.0.contactField NOT_ALLOWED'],
    ],
    [
      'a criterion about no field',
      withCondition({ field: 'nope', op: 'PRESENT' }),
      ['criteria.conditions.0.field UNKNOWN_REFERENCE'],
    ],
    [
      'a criterion without a value',
      withCondition({ field: 'budget', op: 'GTE' }),
      ['criteria.conditions.0.value REQUIRED'],
    ],
    [
      'a value for PRESENT',
      withCondition({ field: 'budget', op: 'PRESENT', value: 1 }),
      ['criteria.conditions.0.value NOT_ALLOWED'],
    ],
    [
      'an order of choices',
      withCondition({ field: 'size', op: 'GT', value: 'small' }),
      ['criteria.conditions.0.op NOT_ALLOWED'],
    ],
    [
      'a choice that is none',
      withCondition({ field: 'size', op: 'EQ', value: 'huge' }),
      ['criteria.conditions.0.value INVALID_FORMAT'],
    ],
    [
      'a list for EQ',
      withCondition({ field: 'size', op: 'EQ', value: ['small'] }),
      ['criteria.conditions.0.value INVALID_FORMAT'],
    ],
    [
      'one value for IN',
      withCondition({ field: 'size', op: 'IN', value: 'small' }),
      ['criteria.conditions.0.value INVALID_FORMAT'],
    ],
    [
      'a word as an amount',
      withCondition({ field: 'budget', op: 'GTE', value: 'much' }),
      ['criteria.conditions.0.value INVALID_FORMAT'],
    ],
    [
      'no weight',
      withCondition({ field: 'budget', op: 'PRESENT', weight: 0 }),
      ['criteria.conditions.0.weight TOO_SMALL'],
    ],
    ['a threshold above 1', { fields: [email], criteria: { threshold: 1.1 } }, ['criteria.threshold TOO_LARGE']],
    [
      'a redirect that is a script',
      { response: { redirectUrl: 'javascript:alert(1)' } },
      ['response.redirectUrl INVALID_FORMAT'],
    ],
    [
      'a message and a redirect',
      { response: { message: 'Hi', redirectUrl: 'https://a.example' } },
      ['response.redirectUrl NOT_ALLOWED'],
    ],
    ['a response that is neither', { response: {} }, ['response.message REQUIRED']],
    ['a tool that has no such name', { requestedTools: ['Send mail'] }, ['requestedTools.0 INVALID_FORMAT']],
  ])('is refused with %s, and says where', (_what, definition, issues) => {
    expect(issuesOf(definition)).toEqual(issues)
  })

  it.each([
    { field: 'budget', op: 'GTE', value: 5000 },
    { field: 'size', op: 'IN', value: ['small', 'large'] },
    { field: 'email', op: 'CONTAINS', value: '@nimbus.example' },
    { field: 'email', op: 'ABSENT' },
  ])('takes the criterion %o', (condition) => {
    expect(issuesOf(withCondition(condition))).toEqual([])
  })
})

describe('the limits of a form', () => {
  it('are at their defaults where nothing is said', () => {
    expect(limitsOf({}, DEFAULT_LIMITS)).toEqual(DEFAULT_LIMITS)
    expect(DEFAULT_LIMITS).toMatchObject({ perAddressPerHour: 10, perEmailPerHour: 5, duplicateWindowMinutes: 5 })
  })

  it('change one by one, and null switches one off', () => {
    const own = patchLimits({ perEmailPerHour: 7 }, parseInput(formLimitsPatchSchema, { perAddressPerHour: null }))
    expect(own).toEqual({ perEmailPerHour: 7, perAddressPerHour: null })
    expect(limitsOf(own, { ...DEFAULT_LIMITS, honeypot: null })).toEqual({
      ...DEFAULT_LIMITS,
      perAddressPerHour: null,
      perEmailPerHour: 7,
      honeypot: null,
    })
  })

  it('are no longer the form’s own when they are reset, which one that is set is not', () => {
    const patch = parseInput(formLimitsPatchSchema, { minimumTimeMs: 0, reset: ['HONEYPOT', 'PER_EMAIL_PER_HOUR'] })
    expect(patchLimits({ honeypot: 'fax', perEmailPerHour: 7 }, patch)).toEqual({ minimumTimeMs: 0 })
    const both = { honeypot: null, reset: ['MINIMUM_TIME', 'HONEYPOT'] }
    expect(() => parseInput(formLimitsPatchSchema, both)).toThrow('reset.1: A limit is set or reset, not both.')
  })

  it.each([{ perAddressPerHour: 0 }, { minimumTimeMs: 60_001 }, { duplicateWindowMinutes: -1 }, { honeypot: 'a b' }])(
    'keep to their range: %o is refused',
    (limits) => {
      expect(() => parseInput(formLimitsPatchSchema, limits)).toThrow(AppError)
    },
  )
})
