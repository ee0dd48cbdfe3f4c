import { describe, expect, test } from 'vitest'
import type { FormField } from '../forms/model.ts'
import { controlId, type FieldState, renderField } from './field-html.ts'

const fresh: FieldState = { typed: undefined, wrong: undefined, focused: false }
const field = (kind: FormField['kind'], more: Partial<FormField> = {}): FormField =>
  ({ key: 'what', label: 'What?', kind, required: false, help: '', ...more }) as FormField
const written = (of: FormField, state: Partial<FieldState> = {}): string => renderField(of, { ...fresh, ...state }).text
const OPTIONS = [
  { value: 'a', label: 'First' },
  { value: 'b', label: 'Second' },
]

describe('a field of a form, without script', () => {
  test('ties its label, its help and its error to its control', () => {
    const text = written(field('TEXT', { help: 'In short.', required: true }), { wrong: 'It is needed.', typed: 'x' })
    expect(text).toContain('<label for="what">What? <span class="needed"')
    expect(text).toContain('aria-describedby="what-help what-error"')
    expect(text).toContain('<p class="help" id="what-help">In short.</p>')
    expect(text).toContain('<p class="wrong" id="what-error">It is needed.</p>')
    expect(text).toContain('aria-invalid="true"')
    expect(text).toContain('class="field bad"')
  })

  test('that is well and has no help names neither', () => {
    const text = written(field('TEXT'))
    expect(text).not.toMatch(/aria-describedby|aria-invalid|needed|bad/)
    expect(text).toContain('maxlength="1000"')
  })

  test.each<[FormField['kind'], string]>([
    ['EMAIL', 'type="email" autocomplete="email"'],
    ['PHONE', 'type="tel" autocomplete="tel"'],
    ['NUMBER', 'type="text" inputmode="decimal"'],
    ['DATE', 'type="date"'],
    ['URL', 'type="url" inputmode="url"'],
  ])('of kind %s brings up the right keyboard', (kind, attributes) => {
    expect(written(field(kind))).toContain(attributes)
  })

  test.each([
    ['NAME', 'name'],
    ['COMPANY', 'organization'],
  ] as const)('that becomes a contact’s %s is filled in by the browser', (contactField, completion) => {
    expect(written(field('TEXT', { contactField }))).toContain(`autocomplete="${completion}"`)
  })

  test('keeps what was typed, and takes the first of what was sent twice', () => {
    expect(written(field('TEXT'), { typed: '"><script>' })).toContain('value="&quot;&gt;&lt;script&gt;"')
    expect(written(field('TEXT'), { typed: ['one', 'two'] })).toContain('value="one"')
    expect(written(field('TEXT'), { typed: [] })).toContain('value=""')
    expect(written(field('LONG_TEXT'), { typed: '\nfirst' })).toContain('>\n\nfirst</textarea>')
  })

  test('is as long as its form lets it be', () => {
    expect(written(field('TEXT', { maxLength: 20 }))).toContain('maxlength="20"')
    expect(written(field('LONG_TEXT', { maxLength: 50 }))).toContain('maxlength="50"')
    expect(written(field('LONG_TEXT'))).toContain('maxlength="10000"')
    expect(written(field('EMAIL'))).not.toContain('maxlength')
  })

  test('of one choice keeps it, and without options offers none', () => {
    const text = written(field('SELECT', { options: OPTIONS }), { typed: 'b' })
    expect(text).toContain('<option value="a">First</option><option value="b" selected>Second</option>')
    expect(written(field('SELECT'))).toContain('<option value="">Please choose</option></select>')
  })

  test('of several choices keeps each, and can be focused at its first', () => {
    const many = field('MULTI_SELECT', { options: OPTIONS })
    const text = written(many, { typed: ['b'], wrong: 'Too many.', focused: true })
    expect(text).toContain('<fieldset class="field bad" id="what" aria-describedby="what-error">')
    expect(text).toMatch(/id="what-1" name="what" value="a" autofocus/)
    expect(text).toMatch(/value="b" checked aria-invalid="true"/)
    expect(written(many, { typed: 'a' })).toMatch(/value="a" checked/)
    expect(written(many)).not.toContain('checked')
    expect([controlId(many), controlId(field('MULTI_SELECT')), controlId(field('TEXT'))]).toEqual([
      'what-1',
      'what',
      'what',
    ])
  })

  test.each(['CHECKBOX', 'CONSENT'] as const)('of kind %s is ticked only where it was', (kind) => {
    expect(written(field(kind), { typed: 'on' })).toContain('value="on" checked')
    for (const typed of [undefined, '', []]) expect(written(field(kind), { typed })).not.toContain('checked')
  })

  test('of money says in which currency, and a hidden one shows nothing', () => {
    expect(written(field('CURRENCY', { currency: 'EUR' }))).toContain('<span>EUR</span>')
    expect(written(field('HIDDEN'), { typed: 'campaign' })).toBe('<input type="hidden" name="what" value="campaign">')
  })
})
