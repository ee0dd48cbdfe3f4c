import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseInput } from '../../platform/lib/parse.ts'
import {
  type Answers,
  answerText,
  FIELD_KINDS,
  type FormDefinition,
  type FormField,
  formDefinitionSchema,
  hashAnswers,
  parseAnswers,
  statedContact,
} from './model.ts'

const options = [
  { value: 'a', label: 'Alpha' },
  { value: 'b', label: 'Beta' },
]

const define = (...fields: object[]): FormDefinition => parseInput(formDefinitionSchema, { fields }) as FormDefinition

const one = (kind: string, more: object = {}) => define({ key: 'it', kind, label: 'It', ...more })

/** What became of one answer: the value, nothing, or the code of what is wrong. */
function outcome(definition: FormDefinition, raw: unknown): unknown {
  const parsed = parseAnswers(definition, { it: raw })
  if ('issues' in parsed) return parsed.issues.map((issue) => `${issue.path.join('.')} ${issue.code}`).join()
  return parsed.answers.it
}

describe('an answer', () => {
  it.each<[string, object, unknown, unknown]>([
    ['TEXT', {}, '  Ada  ', 'Ada'],
    ['TEXT', {}, 'two\r\nlines', 'two lines'],
    ['TEXT', {}, 'e\u0301', '\u00e9'],
    ['TEXT', {}, '   ', undefined],
    ['TEXT', {}, null, undefined],
    ['TEXT', {}, 42, 'it INVALID_FORMAT'],
    ['TEXT', {}, ['Ada'], 'it INVALID_FORMAT'],
    ['TEXT', {}, 'nul\u0000', 'it INVALID_FORMAT'],
    ['TEXT', {}, '\ud800', 'it INVALID_FORMAT'],
    // Composing it would take minutes.
    ['TEXT', {}, `a${'\u0316\u0301'.repeat(500_000)}`, 'it INVALID_FORMAT'],
    ['TEXT', {}, `a${'\u0301'.repeat(30)}`, `\u00e1${'\u0301'.repeat(29)}`],
    ['TEXT', { maxLength: 3 }, 'four', 'it TOO_LONG'],
    ['TEXT', { minLength: 3 }, 'ab', 'it TOO_SHORT'],
    ['TEXT', {}, 'x'.repeat(1_001), 'it TOO_LONG'],
    ['LONG_TEXT', {}, 'two\r\nlines', 'two\nlines'],
    ['LONG_TEXT', {}, 'x'.repeat(10_001), 'it TOO_LONG'],
    ['EMAIL', {}, ' ada@example.com ', 'ada@example.com'],
    ['EMAIL', {}, 'ada@', 'it INVALID_FORMAT'],
    ['EMAIL', {}, 'ada@example.com\r\nBcc: x@y.zz', 'it INVALID_FORMAT'],
    ['PHONE', {}, '+49 (0)30 / 901-820', '+4930901820'],
    ['PHONE', {}, '0030 21 0123 4567', '+302101234567'],
    ['PHONE', {}, '030 901820', 'it INVALID_FORMAT'],
    ['NUMBER', {}, 4.5, 4.5],
    ['NUMBER', {}, ' 40 ', 40],
    ['NUMBER', {}, '-0', 0],
    ['NUMBER', {}, 'forty', 'it INVALID_FORMAT'],
    ['NUMBER', {}, '1e3', 'it INVALID_FORMAT'],
    ['NUMBER', {}, Number.NaN, 'it INVALID_FORMAT'],
    ['NUMBER', {}, true, 'it INVALID_FORMAT'],
    ['NUMBER', { min: 1, max: 3 }, 0, 'it TOO_SMALL'],
    ['NUMBER', { min: 1, max: 3 }, 4, 'it TOO_LARGE'],
    ['CURRENCY', { currency: 'EUR' }, 5000, { amount: '5000.00', currency: 'EUR' }],
    ['CURRENCY', { currency: 'EUR' }, '20.000', 'it INVALID_FORMAT'],
    ['CURRENCY', { currency: 'EUR' }, 12.345, 'it INVALID_FORMAT'],
    ['CURRENCY', { currency: 'KWD' }, '20.125', { amount: '20.125', currency: 'KWD' }],
    ['CURRENCY', { currency: 'JPY' }, '5000.00', { amount: '5000.00', currency: 'JPY' }],
    ['CURRENCY', { currency: 'EUR' }, { amount: '1.5', currency: 'EUR' }, { amount: '1.50', currency: 'EUR' }],
    ['CURRENCY', { currency: 'EUR' }, { amount: '1.5', currency: 'USD' }, 'it NOT_ALLOWED'],
    ['CURRENCY', { currency: 'EUR' }, -1, 'it TOO_SMALL'],
    ['CURRENCY', { currency: 'EUR' }, '5,000', 'it INVALID_FORMAT'],
    ['CURRENCY', { currency: 'EUR' }, {}, 'it INVALID_FORMAT'],
    ['SELECT', { options }, 'b', 'b'],
    ['SELECT', { options }, 'Beta', 'it NOT_ALLOWED'],
    ['SELECT', { options }, 1, 'it INVALID_FORMAT'],
    ['MULTI_SELECT', { options }, ['b', 'a', 'b'], ['a', 'b']],
    ['MULTI_SELECT', { options }, 'b', ['b']],
    ['MULTI_SELECT', { options }, [], undefined],
    ['MULTI_SELECT', { options }, ['c'], 'it NOT_ALLOWED'],
    ['CHECKBOX', {}, 'on', true],
    ['CHECKBOX', {}, undefined, false],
    ['CHECKBOX', {}, 'maybe', 'it INVALID_FORMAT'],
    ['CONSENT', { required: true }, false, 'it REQUIRED'],
    ['DATE', {}, '2028-02-29', '2028-02-29'],
    ['DATE', {}, '2027-02-29', 'it INVALID_FORMAT'],
    ['DATE', {}, '29.02.2028', 'it INVALID_FORMAT'],
    ['URL', {}, 'Example.com/a b', 'https://example.com/a%20b'],
    ['URL', {}, 'javascript:alert(1)', 'it INVALID_FORMAT'],
    ['URL', {}, 'https://ada:secret@example.com', 'it INVALID_FORMAT'],
    ['HIDDEN', {}, 'spring-campaign', 'spring-campaign'],
    ['TEXT', { required: true }, '', 'it REQUIRED'],
  ])('of kind %s %o: %o becomes %o', (kind, more, raw, expected) => {
    expect(outcome(one(kind, more), raw)).toEqual(expected)
  })

  it.each<[string, object, unknown, string]>([
    ['SELECT', { options }, 'b', 'Beta'],
    ['MULTI_SELECT', { options }, ['a', 'b'], 'Alpha, Beta'],
    ['CURRENCY', { currency: 'EUR' }, '5000', '€5,000.00'],
    ['CHECKBOX', {}, true, 'Yes'],
    ['NUMBER', {}, 12.5, '12.5'],
    ['TEXT', {}, 'Ada', 'Ada'],
  ])('of kind %s %o: %o reads "%s"', (kind, more, raw, text) => {
    const definition = one(kind, more)
    const value = outcome(definition, raw) as Answers[string]
    expect(answerText(definition.fields[0] as FormField, value)).toBe(text)
  })
})

describe('answers', () => {
  const definition = define(
    { key: 'email', kind: 'EMAIL', label: 'E-mail', required: true },
    { key: 'team', kind: 'NUMBER', label: 'Team' },
  )

  it('name every field that is wrong, and every field that the form does not have', () => {
    expect(parseAnswers(definition, { team: 'x', fax: '1', toString: 1 })).toEqual({
      issues: [
        { path: ['email'], code: 'REQUIRED', message: expect.any(String) },
        { path: ['team'], code: 'INVALID_FORMAT', message: expect.any(String) },
        { path: ['fax'], code: 'NOT_ALLOWED', message: expect.any(String) },
        { path: ['toString'], code: 'NOT_ALLOWED', message: expect.any(String) },
      ],
    })
  })

  it('may be none at all where the form asks for none', () => {
    expect(parseAnswers(one('TEXT'), {})).toEqual({ answers: {} })
  })

  it('are not read from what the object inherits', () => {
    expect(parseAnswers(one('TEXT'), Object.create({ it: 'inherited' }))).toEqual({ answers: {} })
  })

  it.each([null, 'text', 7, ['email']])('are an object: %o is refused', (raw) => {
    expect(parseAnswers(definition, raw)).toMatchObject({ issues: [{ path: [], code: 'INVALID_FORMAT' }] })
  })

  it('with a hundred thousand wrong keys are refused with a bounded list', () => {
    const raw = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`k${n}`, n]))
    const parsed = parseAnswers(definition, raw)
    expect('issues' in parsed && parsed.issues.length).toBe(50)
  })

  it('have one hash for one content, whatever way they were sent', () => {
    const json = parseAnswers(definition, { email: 'ada@example.com', team: 40 })
    const form = parseAnswers(definition, { team: '40', email: ' ada@example.com' })
    const other = parseAnswers(definition, { email: 'ada@example.com', team: 41 })
    if (!('answers' in json && 'answers' in form && 'answers' in other)) throw new Error('refused')
    expect(hashAnswers(form.answers)).toBe(hashAnswers(json.answers))
    expect(hashAnswers(other.answers)).not.toBe(hashAnswers(json.answers))
  })

  it('state the contact by the fields that say so, else by the usual ones', () => {
    const usual = define(
      { key: 'first_name', kind: 'TEXT', label: 'First name' },
      { key: 'last_name', kind: 'TEXT', label: 'Last name' },
      { key: 'mail', kind: 'EMAIL', label: 'Mail' },
      { key: 'company', kind: 'TEXT', label: 'Company' },
    )
    const answers = { first_name: 'Ada', last_name: 'Lovelace', mail: 'ada@example.com', company: 'Engines' }
    expect(statedContact(usual, answers)).toEqual({
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      companyName: 'Engines',
    })
    const named = define(
      { key: 'other', kind: 'EMAIL', label: 'Somebody else' },
      { key: 'mine', kind: 'EMAIL', label: 'Yours', contactField: 'EMAIL' },
      { key: 'name', kind: 'TEXT', label: 'Name of the dog' },
      { key: 'who', kind: 'TEXT', label: 'You', contactField: 'NAME' },
    )
    expect(statedContact(named, { other: 'x@example.com', mine: 'y@example.com', name: 'Rex', who: 'Yi' })).toEqual({
      name: 'Yi',
      email: 'y@example.com',
    })
  })
})

// ------------------------------------------------------------------ for all forms and all inputs

const fieldOf = (kind: FormField['kind'], key: string, required: boolean, bounds: [number, number]): object => {
  const [min, max] = [Math.min(...bounds), Math.max(...bounds)]
  const common = { key, kind, label: key, required }
  if (kind === 'NUMBER') return { ...common, min, max }
  if (kind === 'CURRENCY') return { ...common, currency: 'EUR', min: Math.max(0, min), max: Math.max(0, max) }
  if (kind === 'SELECT' || kind === 'MULTI_SELECT') return { ...common, options }
  if (kind === 'TEXT' || kind === 'LONG_TEXT') return { ...common, maxLength: 20 }
  return common
}

const forms = fc
  .uniqueArray(
    fc.record({
      key: fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/),
      kind: fc.constantFrom(...FIELD_KINDS),
      required: fc.boolean(),
      bounds: fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 })),
    }),
    { selector: (field) => field.key, minLength: 1, maxLength: 6 },
  )
  .map((fields) => define(...fields.map((field) => fieldOf(field.kind, field.key, field.required, field.bounds))))

const likely = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'on',
    'true',
    '12',
    '-3.5',
    'ada@example.com',
    '+49 30 901820',
    '2027-01-31',
    'example.com',
  ),
  fc.constantFrom(true, false, null, 7, ['a'], ['b', 'a'], { amount: '3', currency: 'EUR' }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.double(),
  fc.anything(),
)

const formsAndInputs = forms.chain((definition) =>
  fc.tuple(
    fc.constant(definition),
    fc.record(Object.fromEntries(definition.fields.map((field) => [field.key, likely])), { requiredKeys: [] }),
  ),
)

/** An oracle that shares nothing with the parser: what a stored answer may be. */
function isAllowed(field: FormField, value: unknown): boolean {
  const storable = JSON.stringify(value)
  if (/\\u0000|\\ud[89a-f]/.test(storable)) return false
  const isText = typeof value === 'string' && value.length > 0 && value.trim() === value
  switch (field.kind) {
    case 'TEXT':
    case 'LONG_TEXT':
    case 'HIDDEN':
      return (
        isText && value.length <= (field.maxLength ?? 10_000) && (field.kind === 'LONG_TEXT' || !/[\r\n]/.test(value))
      )
    case 'EMAIL':
      return isText && /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value)
    case 'PHONE':
      return isText && /^\+[1-9][0-9]{6,14}$/.test(value)
    case 'URL':
      return isText && /^https?:\/\/[^\s@]+$/.test(value)
    case 'DATE':
      return isText && new Date(`${value}T00:00:00Z`).toISOString().slice(0, 10) === value
    case 'NUMBER':
      return typeof value === 'number' && value >= (field.min ?? -1e15) && value <= (field.max ?? 1e15)
    case 'CURRENCY': {
      const { amount, currency, ...rest } = value as { amount: string; currency: string }
      const inRange = Number(amount) >= (field.min ?? 0) && Number(amount) <= (field.max ?? 1e15)
      return currency === field.currency && /^-?\d+\.\d{2,6}$/.test(amount) && inRange && Object.keys(rest).length === 0
    }
    case 'SELECT':
      return options.some((option) => option.value === value)
    case 'MULTI_SELECT':
      return Array.isArray(value) && value.length > 0 && value.every((each) => options.some((o) => o.value === each))
    case 'CHECKBOX':
    case 'CONSENT':
      return typeof value === 'boolean' && (value || !field.required)
  }
}

describe('for every form and every input, parsing', () => {
  it('never throws, and names an issue or gives answers', () => {
    fc.assert(
      fc.property(forms, fc.anything(), (definition, raw) => {
        const parsed = parseAnswers(definition, raw)
        return 'answers' in parsed || parsed.issues.length > 0
      }),
      { numRuns: 500 },
    )
  })

  it('lets nothing through that the definition does not allow, and leaves out nothing that it requires', () => {
    fc.assert(
      fc.property(formsAndInputs, ([definition, raw]) => {
        const parsed = parseAnswers(definition, raw)
        if ('issues' in parsed) return
        const keys = new Set(definition.fields.map((field) => field.key))
        for (const key of Object.keys(parsed.answers)) expect(keys.has(key)).toBe(true)
        for (const field of definition.fields) {
          const value = parsed.answers[field.key]
          if (value === undefined) expect(field.required).toBe(false)
          else expect([field.kind, value, isAllowed(field, value)]).toEqual([field.kind, value, true])
        }
      }),
      { numRuns: 3_000 },
    )
  })

  it('leaves what was parsed once as it is, also after a way through JSON', () => {
    fc.assert(
      fc.property(formsAndInputs, ([definition, raw]) => {
        const parsed = parseAnswers(definition, raw)
        if ('issues' in parsed) return
        expect(parseAnswers(definition, JSON.parse(JSON.stringify(parsed.answers)))).toEqual(parsed)
      }),
      { numRuns: 2_000 },
    )
  })
})
